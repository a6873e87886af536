import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { unpackOctave } from '../../shared/features/octave.ts';
import { decodePayload } from '../../shared/features/payload.ts';
import { postImage, readCompleteDetection, readDetection } from '../fixtures/edge-client.ts';
import { completedExtractions, type EdgeStack, startEdgeStack } from '../fixtures/edge-stack.ts';
import { SHARED_DATA, sharedDataMissing } from '../fixtures/images.ts';
import { IS_THOROUGH } from '../fixtures/thorough.ts';
import { until } from '../fixtures/until.ts';
import { GOLDEN_ENGINE, GOLDEN_ENVIRONMENT, golden, goldenPayload } from '../golden/golden.ts';

describe.skipIf(
  sharedDataMissing("with SIFT_ENGINE=opencv the service gives OpenCV's features of seven real images"),
)("with SIFT_ENGINE=opencv the service gives OpenCV's features of real images", () => {
  let stack: EdgeStack;
  beforeAll(async () => {
    stack = await startEdgeStack({
      runtime: 'workerd',
      originEnvironment: { SIFT_ENGINE: 'opencv', ...GOLDEN_ENVIRONMENT },
    });
  });
  afterAll(() => stack?.stop());

  const images = Object.entries(golden.shared);
  // The whole way is the same for all of them: one, unless the run is thorough.
  test.each(images.slice(0, IS_THOROUGH ? images.length : 1))('%s', async (name, expected) => {
    const defaults = expected?.features[0];
    if (!defaults) throw new Error('no golden data');
    const image = new Uint8Array(readFileSync(new URL(`features/${name}`, SHARED_DATA)));
    const first = await readDetection(await postImage(stack.url, image, { fileName: name }));
    expect(first).toMatchObject({ cached: false, keypoints: defaults.count });

    const stored = `${stack.url}/api/v1/features/${first.image.sha256}?format=safetensors`;
    await until('the origin has shared it', async () => (await fetch(stored)).ok);
    const extractions = await completedExtractions(stack.origin);
    const response = await readCompleteDetection(
      await postImage(stack.url, image, { fileName: name, query: '?include=all' }),
    );
    expect(response.cached).toBe(true);
    expect(await completedExtractions(stack.origin)).toBe(extractions);
    if (stack.origin.extractor !== `opencv-sift@${GOLDEN_ENGINE}`) {
      process.stderr.write(`SKIPPED: values of ${name}, golden data is of ${GOLDEN_ENGINE}\n`);
      return;
    }

    const file = await postImage(stack.url, image, { fileName: name, query: '?format=safetensors' });
    const payload = new Uint8Array(await file.arrayBuffer());
    const expectedBytes = goldenPayload(defaults);
    expect(Buffer.compare(payload.subarray(-expectedBytes.length), expectedBytes)).toBe(0);
    const { features } = decodePayload(payload);
    expect(response.x.flatMap((x, index) => [x, response.y[index]])).toEqual([...features.xy]);
    expect(response.angle).toEqual([...features.angle]);
    expect(response.octave).toEqual(Array.from(features.octave, (packed) => unpackOctave(packed).octave));
    expect(response.descriptors.flat()).toEqual([...features.descriptors]);
  });
});
