import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sharedDataMissing } from '../fixtures/images.ts';
import { IS_THOROUGH, inThorough } from '../fixtures/thorough.ts';
import { agreeing } from '../golden/agreement.ts';
import {
  availableImages,
  GOLDEN_ENGINE,
  GOLDEN_ENVIRONMENT,
  goldenPayload,
  REFUSED,
  sharedImages,
} from '../golden/golden.ts';
import { PinnedAddon } from './pinned-addon.ts';

/** Of the large images three, unless the run is thorough. */
const omitted = IS_THOROUGH ? [] : sharedImages.slice(3).map(({ name }) => name);
const readable = availableImages.filter(
  ({ name, expected }) => expected && !REFUSED.includes(name) && !omitted.includes(name),
);

describe('features are those of cv2.SIFT, byte for byte', () => {
  let addon: PinnedAddon;

  beforeAll(async () => {
    addon = await PinnedAddon.start(GOLDEN_ENVIRONMENT);
  });

  afterAll(() => addon.stop());

  test.each(readable)('$name', async ({ path, expected }) => {
    for (const { parameters, ...golden } of expected?.features ?? []) {
      const { payload, grey } = await addon.extract(path, parameters);
      expect(createHash('sha256').update(grey).digest('hex')).toBe(expected?.grey_sha256);
      if (addon.engine.version !== GOLDEN_ENGINE) continue;
      expect(Buffer.compare(payload, goldenPayload(golden))).toBe(0);
    }
  });

  test('the engine is the one that the golden data is of', (context) => {
    if (addon.engine.version === GOLDEN_ENGINE) return;
    context.skip(`${addon.engine.version} is not ${GOLDEN_ENGINE}: compared within tolerance only`);
  });

  test.skipIf(sharedDataMissing('features of real images'))(
    'the keypoint counts are the published ones',
    () => {
      const counts = sharedImages.map(({ name, expected }) => [name, expected?.features[0]?.count]);
      expect(Object.fromEntries(counts)).toEqual({
        'barbara.bmp': 1040,
        'brain_MR.jpg': 805,
        'cameraman.tif': 1640,
        'city_hall_zoom.png': 1346,
        'lena_color_256.tif': 319,
        'lena_gray_256.tif': 317,
        'peppers.png': 720,
      });
    },
  );
});

test('features agree with cv2.SIFT within tolerance on what this machine has', () => agrees({}));
test.runIf(IS_THOROUGH)(
  inThorough('features agree with cv2.SIFT within tolerance on no AVX-512 and no AVX2'),
  () => agrees({ OPENCV_CPU_DISABLE: 'AVX512-SKX,AVX2' }),
);

async function agrees(environment: Record<string, string>): Promise<void> {
  const addon = await PinnedAddon.start(environment);
  let agreed = 0;
  let total = 0;
  for (const { path, expected } of readable) {
    const [features] = expected?.features ?? [];
    if (!features) continue;
    const { payload } = await addon.extract(path, features.parameters);
    agreed += agreeing(payload, goldenPayload(features));
    total += features.count;
  }
  addon.stop();
  expect(total).toBeGreaterThan(4000);
  expect(agreed / total).toBeGreaterThan(0.998);
}
