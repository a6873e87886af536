import sharp from 'sharp';
import { expect, test } from 'vitest';
import { extractFeatures } from '../../origin/jobs/extract.ts';
import type { ExtractionTask } from '../../origin/jobs/messages.ts';
import { warmUpTask } from '../../origin/jobs/warm-up.ts';
import { loadNativeAddon } from '../../origin/native/addon.ts';
import { MAX_KEYPOINTS } from '../../shared/contract/limits.ts';
import { DEFAULT_SIFT_PARAMETERS } from '../../shared/contract/parameters.ts';
import { BYTES_PER_KEYPOINT, decodePayload } from '../../shared/features/payload.ts';
import { sha256Hex } from '../../shared/sha256.ts';

/** A file of a few kilobytes with a keypoint for every two of its pixels, where the parameters let them all pass. */
async function imageOfDots(side: number): Promise<ExtractionTask> {
  const tile = Uint8Array.from({ length: 16 }, (_, index) => (index === 10 ? 255 : 0));
  const raw = { width: 4, height: 4, channels: 1 } as const;
  const dot = await sharp(tile, { raw }).png().toBuffer();
  const canvas = { width: side, height: side, channels: 3, background: 'black' } as const;
  const file = await sharp({ create: canvas })
    .composite([{ input: dot, tile: true }])
    .png()
    .toBuffer();
  const bytes = new Uint8Array(file);
  return {
    kind: 'extract',
    bytes,
    sha256: await sha256Hex(bytes),
    header: { format: 'png', width: side, height: side },
    parameters: { ...DEFAULT_SIFT_PARAMETERS, contrast_threshold: 0, edge_threshold: 1000, sigma: 1.2 },
  };
}

test('more keypoints than an edge can hand on are refused, with advice', async () => {
  const extraction = extractFeatures(loadNativeAddon(), await imageOfDots(1200));
  await expect(extraction).rejects.toMatchObject({
    code: 'IMAGE_TOO_LARGE',
    details: { limit: 'keypoints', max: MAX_KEYPOINTS },
    message: expect.stringContaining('nfeatures'),
  });
}, 60_000);

test('as many as allowed are given, and the addon is requested no more', async () => {
  const addon = {
    ...loadNativeAddon(),
    extract: (_image: unknown, _parameters: unknown, mostKeypoints = 0) =>
      new ArrayBuffer(mostKeypoints * BYTES_PER_KEYPOINT),
  };
  const { payload } = await extractFeatures(addon, await warmUpTask());
  expect(decodePayload(payload).features.count).toBe(MAX_KEYPOINTS);
});

test('an image may be full of keypoints, if it is small', async () => {
  const { payload } = await extractFeatures(loadNativeAddon(), await imageOfDots(300));
  expect(decodePayload(payload).features.count).toBeGreaterThan((300 * 300) / 4);
});
