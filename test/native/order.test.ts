import { describe, expect, test } from 'vitest';
import { loadNativeAddon, SIFT_ENGINES } from '../../origin/native/addon.ts';
import { DEFAULT_SIFT_PARAMETERS } from '../../shared/contract/parameters.ts';
import { BYTES_PER_KEYPOINT } from '../../shared/features/payload.ts';
import { texture } from './images.ts';

/** Columns in the order of comparison, the response negated so that all ascend. */
function sortKeys(payload: ArrayBuffer): number[][] {
  const count = payload.byteLength / BYTES_PER_KEYPOINT;
  const xy = new Float32Array(payload, 0, 2 * count);
  const [size, angle, response] = [8, 12, 16].map((start) => new Float32Array(payload, start * count, count));
  const octave = new Int32Array(payload, 20 * count, count);
  return Array.from({ length: count }, (_, i) =>
    [-(response?.[i] ?? NaN), xy[2 * i + 1], xy[2 * i], size?.[i], angle?.[i], octave[i]].map(
      (v) => v ?? NaN,
    ),
  );
}

function compare(a: number[], b: number[]): number {
  const at = a.findIndex((value, index) => value !== b[index]);
  return at < 0 ? 0 : (a[at] ?? 0) - (b[at] ?? 0);
}

describe.each(SIFT_ENGINES)('%s', (engine) => {
  const addon = loadNativeAddon(engine);

  test('features come strongest first, then by y, x, size, angle, octave', () => {
    const keys = sortKeys(addon.extract(texture(256, 256), DEFAULT_SIFT_PARAMETERS));
    expect(keys.length).toBeGreaterThan(100);
    expect(keys).toEqual(keys.toSorted(compare));
    // Some responses tie (one point, several orientations), so the later columns matter.
    const responses = keys.map(([response]) => response);
    expect(new Set(responses).size).toBeLessThan(responses.length);
  });

  test('equal responses at different places are ordered by y, then x', () => {
    const tile = texture(64, 64);
    const pixels = new Uint8Array(320 * 320);
    for (let y = 0; y < 320; y += 1) {
      for (let x = 0; x < 320; x += 1) pixels[y * 320 + x] = tile.pixels[(y % 64) * 64 + (x % 64)] ?? 0;
    }
    const image = { pixels, width: 320, height: 320, channels: 1 } as const;
    const keys = sortKeys(addon.extract(image, DEFAULT_SIFT_PARAMETERS));
    expect(keys).toEqual(keys.toSorted(compare));
    const neighbours = keys.slice(1).map((key, index) => [keys[index] ?? [], key]);
    const tied = neighbours.filter(([a, b]) => a?.[0] === b?.[0]);
    expect(tied.some(([a, b]) => a?.[1] !== b?.[1])).toBe(true);
    expect(tied.some(([a, b]) => a?.[1] === b?.[1] && a?.[2] !== b?.[2])).toBe(true);
  });

  test('asking for fewer features gives the beginning of asking for more', () => {
    const image = texture(200, 160);
    const all = Buffer.from(addon.extract(image, DEFAULT_SIFT_PARAMETERS));
    const count = all.length / BYTES_PER_KEYPOINT;
    for (const nfeatures of [1, 2, 3, 5, 8, 13, 21, 34]) {
      const some = Buffer.from(addon.extract(image, { ...DEFAULT_SIFT_PARAMETERS, nfeatures }));
      expect(some.length).toBe(nfeatures * BYTES_PER_KEYPOINT);
      expect(some.subarray(0, 8 * nfeatures)).toEqual(all.subarray(0, 8 * nfeatures));
      expect(some.subarray(24 * nfeatures)).toEqual(all.subarray(24 * count, 24 * count + 128 * nfeatures));
    }
  });
});
