import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadNativeAddon, SIFT_ENGINES } from '../../origin/native/addon.ts';
import { DEFAULT_SIFT_PARAMETERS } from '../../shared/contract/parameters.ts';
import { BYTES_PER_KEYPOINT } from '../../shared/features/payload.ts';
import { texture } from './images.ts';

describe.each(SIFT_ENGINES)('%s', (engine) => {
  const addon = loadNativeAddon(engine);

  test('every size from 1×1 to 16×16 gives a whole number of features, most of them none', () => {
    for (let width = 1; width <= 16; width += 1) {
      for (let height = 1; height <= 16; height += 1) {
        const result = addon.extract(texture(width, height), DEFAULT_SIFT_PARAMETERS);
        expect(result.byteLength % BYTES_PER_KEYPOINT).toBe(0);
      }
    }
  });

  test.each([
    [1, 5000],
    [5000, 1],
    [2, 3000],
    [3, 65_535],
    [65_535, 5],
  ])('an image of %i×%i does no harm', (width, height) => {
    expect(
      addon.extract(texture(width, height), DEFAULT_SIFT_PARAMETERS).byteLength % BYTES_PER_KEYPOINT,
    ).toBe(0);
  });

  test.each([0, 1, 127, 255])('a flat image of grey %i has no features', (level) => {
    const pixels = new Uint8Array(200 * 100).fill(level);
    for (const contrast_threshold of [0, 0.04]) {
      const parameters = { ...DEFAULT_SIFT_PARAMETERS, contrast_threshold };
      expect(addon.extract({ pixels, width: 200, height: 100, channels: 1 }, parameters).byteLength).toBe(0);
    }
  });

  test('noise of any size with any parameters gives finite keypoints inside the image', () => {
    fc.assert(
      fc.property(
        fc.record({
          width: fc.integer({ min: 1, max: 160 }),
          height: fc.integer({ min: 1, max: 160 }),
          channels: fc.constantFrom<1 | 3>(1, 3),
          seed: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
          shade: fc.constantFrom(1, 16, 256),
        }),
        fc.record({
          nfeatures: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 1_000_000 })),
          n_octave_layers: fc.integer({ min: 1, max: 8 }),
          contrast_threshold: fc.double({ min: 0, max: 1, noNaN: true }),
          edge_threshold: fc.double({ min: 1, max: 1000, noNaN: true }),
          sigma: fc.double({ min: 0.5, max: 10, noNaN: true }),
        }),
        ({ width, height, channels, seed, shade }, parameters) => {
          const pixels = noise(width * height * channels, seed, shade);
          const payload = addon.extract({ pixels, width, height, channels }, parameters);
          const count = payload.byteLength / BYTES_PER_KEYPOINT;
          expect(Number.isInteger(count)).toBe(true);
          if (parameters.nfeatures > 0) expect(count).toBeLessThanOrEqual(parameters.nfeatures);
          const numbers = new Float32Array(payload, 0, count * 5);
          expect(numbers.every(Number.isFinite)).toBe(true);
          for (let i = 0; i < count; i += 1) {
            expect(numbers[2 * i]).toBeGreaterThanOrEqual(0);
            expect(numbers[2 * i]).toBeLessThan(width);
            expect(numbers[2 * i + 1]).toBeGreaterThanOrEqual(0);
            expect(numbers[2 * i + 1]).toBeLessThan(height);
          }
        },
      ),
      { numRuns: 150 },
    );
  });
});

/** Blocks of random grey, `shade` levels apart at least: large enough to be found as blobs. */
function noise(length: number, seed: number, shade: number): Uint8Array {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state >>> 24;
  };
  let value = next();
  return Uint8Array.from({ length }, (_, index) => {
    if (index % 5 === 0) value = Math.floor(next() / shade) * shade;
    return value;
  });
}
