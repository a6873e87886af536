import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { extractorId } from '../../shared/extractor.ts';
import { decodePayload } from '../../shared/features/payload.ts';
import { type OriginServer, startOriginServer } from '../fixtures/origin-server.ts';
import { postForExtraction } from '../fixtures/signed-request.ts';
import { agreeing } from '../golden/agreement.ts';
import { availablePictures, goldenPayload, REFUSED, sharedPicturesExist } from '../golden/golden.ts';

let origin: OriginServer;
beforeAll(async () => {
  origin = await startOriginServer({ SIFT_ENGINE: 'edgesift' });
});
afterAll(() => origin.stop());

const readable = availablePictures.filter(({ name, expected }) => expected && !REFUSED.includes(name));

if (!sharedPicturesExist) test.skip('SKIPPED: the pictures of ../shared/data/features are not here');

test('an origin with our engine says so', () => {
  expect(origin.extractor).toBe('edgesift@1');
});

test('its features name it and agree with those of cv2.SIFT', async () => {
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
    expect(extractorId(metadata.extractor)).toBe('edgesift@1');
    const tensors = bytes.subarray(bytes.length - found.count * 152);
    agreed += agreeing(tensors, goldenPayload(features));
    total += features.count;
    given += found.count;
  }
  expect(total).toBeGreaterThan(sharedPicturesExist ? 4000 : 100);
  expect(agreed / total).toBeGreaterThan(0.9995);
  expect(agreed / given).toBeGreaterThan(0.9995);
});
