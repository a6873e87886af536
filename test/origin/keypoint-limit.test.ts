import { expect, test } from 'vitest';
import { loadNativeAddon } from '../../origin/native/addon.ts';
import { extractFeatures } from '../../origin/pool/extract.ts';
import { warmUpTask } from '../../origin/pool/warm-up.ts';
import { MAX_KEYPOINTS } from '../../shared/contract/limits.ts';
import { BYTES_PER_KEYPOINT, decodePayload } from '../../shared/features/payload.ts';

/** As if the image had so many keypoints: a real one of half a million takes a minute. */
function addonThatFinds(count: number) {
  return { ...loadNativeAddon(), extract: () => new ArrayBuffer(count * BYTES_PER_KEYPOINT) };
}

test('more keypoints than an edge can hand on are refused, with advice', async () => {
  const extraction = extractFeatures(addonThatFinds(MAX_KEYPOINTS + 1), await warmUpTask());
  await expect(extraction).rejects.toMatchObject({
    code: 'IMAGE_TOO_LARGE',
    details: { limit: 'keypoints', max: MAX_KEYPOINTS, actual: MAX_KEYPOINTS + 1 },
    message: expect.stringContaining('nfeatures'),
  });
});

test('as many as allowed are given', async () => {
  const { payload } = await extractFeatures(addonThatFinds(MAX_KEYPOINTS), await warmUpTask());
  expect(decodePayload(payload).features.count).toBe(MAX_KEYPOINTS);
});
