import { describe, expect, test } from 'vitest';
import { loadNativeAddon, type PixelImage, SIFT_ENGINES } from '../../origin/native/addon.ts';
import { DEFAULT_SIFT_PARAMETERS } from '../../shared/contract/parameters.ts';
import { BYTES_PER_KEYPOINT } from '../../shared/features/payload.ts';
import { texture } from './images.ts';

const refusal = expect.objectContaining({ code: 'TOO_MANY_KEYPOINTS' });

describe.each(SIFT_ENGINES)('%s', (engine) => {
  const addon = loadNativeAddon(engine);
  const image = texture(200, 160);
  const count = addon.extract(image, DEFAULT_SIFT_PARAMETERS).byteLength / BYTES_PER_KEYPOINT;
  const find = (nfeatures: number, mostKeypoints: number) =>
    addon.extract(image, { ...DEFAULT_SIFT_PARAMETERS, nfeatures }, mostKeypoints).byteLength /
    BYTES_PER_KEYPOINT;

  test('as many keypoints as are taken at most are given, and not one more', () => {
    expect(find(0, count)).toBe(count);
    expect(() => find(0, count - 1)).toThrow(refusal);
  });

  test('asking for more of them than are taken is no way around', () => {
    expect(() => find(count, count - 1)).toThrow(refusal);
    expect(find(count - 1, count - 1)).toBe(count - 1);
  });
});

/** As many dots as fit, ever brighter: one keypoint for every two pixels, each stronger than those before. */
function dots(side: number): PixelImage {
  const pixels = new Uint8Array(side * side);
  for (let y = 2; y < side; y += 4) {
    for (let x = 2; x < side; x += 4) pixels[y * side + x] = 40 + Math.floor((215 * y) / side);
  }
  return { pixels, width: side, height: side, channels: 1 };
}

test('our engine stops at twice as many to select from', () => {
  const addon = loadNativeAddon('edgesift');
  const parameters = { ...DEFAULT_SIFT_PARAMETERS, contrast_threshold: 0, edge_threshold: 1000, sigma: 1.2 };
  const most = 1000;
  expect(() => addon.extract(dots(300), { ...parameters, nfeatures: most }, most)).toThrow(refusal);
  const few = addon.extract(dots(300), { ...parameters, nfeatures: 1 }, 40_000);
  expect(few.byteLength).toBe(BYTES_PER_KEYPOINT);
});
