import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { extractorId } from '../../shared/extractor.ts';
import { decodePayload } from '../../shared/features/payload.ts';
import { ownImage, SHARED_DATA, sharedDataMissing } from '../fixtures/images.ts';
import { type OriginServer, startOriginServer } from '../fixtures/origin-server.ts';
import { expectProblem } from '../fixtures/problem.ts';
import { postForExtraction } from '../fixtures/signed-request.ts';
import { IS_THOROUGH, inThorough } from '../fixtures/thorough.ts';
import { agreeing } from '../golden/agreement.ts';
import { availableImages, goldenPayload, REFUSED, sharedImagesExist } from '../golden/golden.ts';

const OPENCV_COUNTS = [
  ['barbara.bmp', 1040],
  ['brain_MR.jpg', 805],
  ['cameraman.tif', 1640],
  ['city_hall_zoom.png', 1346],
  ['lena_color_256.tif', 319],
  ['lena_gray_256.tif', 317],
  ['peppers.png', 720],
] as const;

const readable = availableImages.filter(({ name, expected }) => expected && !REFUSED.includes(name));

describe('an origin with no engine chosen', () => hasEngine({}, /^edgesift@1$/));
describe('an origin with opencv chosen', () => hasEngine({ SIFT_ENGINE: 'opencv' }, /^opencv-sift@\d/));
// It is the one that is used where none is chosen.
describe.runIf(IS_THOROUGH)(inThorough('an origin with edgesift chosen'), () =>
  hasEngine({ SIFT_ENGINE: 'edgesift' }, /^edgesift@1$/),
);

function hasEngine(environment: Record<string, string>, extractor: RegExp): void {
  let origin: OriginServer;
  beforeAll(async () => {
    origin = await startOriginServer(environment);
  });
  afterAll(() => origin.stop());

  test('says what extracts', () => {
    expect(origin.extractor).toMatch(extractor);
  });

  test('names it in features, which agree with those of cv2.SIFT', async () => {
    let agreed = 0;
    let total = 0;
    let given = 0;
    for (const { name, path, expected } of readable) {
      const [features] = expected?.features ?? [];
      if (!features) continue;
      const query = `?${new URLSearchParams(Object.entries(features.parameters).map(([key, value]) => [key, String(value)]))}`;
      const response = await postForExtraction(origin, new Uint8Array(readFileSync(path)), { query });
      expect(response.status, name).toBe(200);
      const bytes = new Uint8Array(await response.arrayBuffer());
      const { metadata, features: found } = decodePayload(bytes);
      expect(extractorId(metadata.extractor)).toBe(origin.extractor);
      const tensors = bytes.subarray(bytes.length - found.count * 152);
      agreed += agreeing(tensors, goldenPayload(features));
      total += features.count;
      given += found.count;
    }
    expect(total).toBeGreaterThan(sharedImagesExist ? 4000 : 100);
    expect(agreed / total).toBeGreaterThan(0.9995);
    expect(agreed / given).toBeGreaterThan(0.9995);
  });

  test.skipIf(sharedDataMissing('keypoint counts of OpenCV on real images'))(
    'finds as many keypoints in real images as cv2.SIFT',
    async () => {
      for (const [name, count] of OPENCV_COUNTS) {
        const file = new URL(`features/${name}`, SHARED_DATA);
        const response = await postForExtraction(origin, new Uint8Array(readFileSync(file)));
        const payload = new Uint8Array(await response.arrayBuffer());
        expect(decodePayload(payload).features.count, name).toBe(count);
      }
    },
  );
}

test('an image that would keep our engine busy for minutes is refused in seconds, and harms nothing', async () => {
  const origin = await startOriginServer();
  try {
    const query = '?contrast_threshold=0&n_octave_layers=1&sigma=10';
    const refused = await postForExtraction(origin, await squares(400), { query });
    expect((await expectProblem(refused, 'IMAGE_TOO_LARGE')).details).toEqual({ limit: 'work' });
    expect((await postForExtraction(origin, await squares(400))).status).toBe(200);
    expect((await postForExtraction(origin, ownImage('png-rgb.png'), { query })).status).toBe(200);
  } finally {
    await origin.stop();
  }
});

/** Its squares are plateaus, where rounding errors are extrema. */
function squares(side: number): Promise<Uint8Array<ArrayBuffer>> {
  const pixels = Uint8Array.from({ length: side * side }, (_, index) => {
    const [column, row] = [(index % side) >> 3, Math.floor(index / side) >> 3];
    return ((column ^ row) & 1) * 200;
  });
  const image = sharp(pixels, { raw: { width: side, height: side, channels: 1 } });
  return image
    .png()
    .toBuffer()
    .then((file) => new Uint8Array(file));
}
