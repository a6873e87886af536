import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadNativeAddon } from '../../origin/native/addon.ts';

const addon = loadNativeAddon();
const LENGTH = 128;

/** Descriptors of few different values, so that ties happen. */
const descriptors = fc
  .array(fc.tuple(fc.nat(127), fc.constantFrom(0, 1, 2, 254, 255)), { maxLength: 40 })
  .map((rows) => {
    const bytes = new Uint8Array(rows.length * LENGTH);
    for (const [row, [at, value]] of rows.entries()) bytes.fill(value, row * LENGTH + at, (row + 1) * LENGTH);
    return bytes;
  });

function squaredDistance(first: Uint8Array, row: number, second: Uint8Array, other: number): number {
  let sum = 0;
  for (let k = 0; k < LENGTH; k += 1) {
    sum += ((first[row * LENGTH + k] ?? 0) - (second[other * LENGTH + k] ?? 0)) ** 2;
  }
  return sum;
}

/** The only one that is clearly nearest, if any. */
function nearest(distances: number[], ratio: number): number | undefined {
  const [best = 0, next = Number.POSITIVE_INFINITY] = distances.toSorted((a, b) => a - b);
  return best < ratio * ratio * next ? distances.indexOf(best) : undefined;
}

test('matches are those of a plain comparison of all with all', () => {
  fc.assert(
    fc.property(descriptors, descriptors, fc.constantFrom(0.5, 0.75, 1), (first, second, ratio) => {
      const [rows, others] = [first.length / LENGTH, second.length / LENGTH];
      const distances = Array.from({ length: rows }, (_, row) =>
        Array.from({ length: others }, (_, other) => squaredDistance(first, row, second, other)),
      );
      const expected: number[] = [];
      for (const [row, ofRow] of distances.entries()) {
        const other = others > 0 ? nearest(ofRow, ratio) : undefined;
        if (other === undefined) continue;
        const back = nearest(
          distances.map((line) => line[other] ?? 0),
          ratio,
        );
        if (back === row) expected.push(row, other, ofRow[other] ?? 0);
      }
      expect([...addon.matchDescriptors(first, second, ratio)]).toEqual(expected);
    }),
  );
});

test('the largest possible distances are exact', () => {
  const first = new Uint8Array(LENGTH).fill(255);
  expect([...addon.matchDescriptors(first, new Uint8Array(LENGTH), 1)]).toEqual([0, 0, LENGTH * 255 ** 2]);
});

describe('left and right', () => {
  const random = (seed: number) => {
    let state = seed;
    return () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32;
    };
  };
  const next = random(5);
  const first = Float32Array.from({ length: 120 }, () => 600 * next());
  const mirrored = first.map((value, index) => (index % 2 === 0 ? 639.5 - value : value));
  const turned = first.map((value) => 639.5 - value);
  const estimate = (second: Float32Array, model: 'homography' | 'reflection') =>
    addon.estimateGeometry(first, second, model, 2);

  test('a mirrored image has a reflection, and no homography that many agree with', () => {
    const reflection = estimate(mirrored, 'reflection');
    expect(reflection?.matrix[0]).toBeCloseTo(-1, 4);
    expect(reflection?.matrix[2]).toBeCloseTo(639.5, 2);
    expect(reflection?.errors.every((error) => error < 0.01)).toBe(true);
    const inliers = estimate(mirrored, 'homography')?.errors.filter((error) => error <= 2) ?? [];
    expect(inliers.length).toBeLessThan(15);
  });

  test('a turned image has a homography, and no reflection that many agree with', () => {
    expect(estimate(turned, 'homography')?.errors.every((error) => error < 0.01)).toBe(true);
    const inliers = estimate(turned, 'reflection')?.errors.filter((error) => error <= 2) ?? [];
    expect(inliers.length).toBeLessThan(15);
  });
});

describe('wrong arguments are refused', () => {
  const match = addon.matchDescriptors as (...values: unknown[]) => unknown;
  const estimate = addon.estimateGeometry as (...values: unknown[]) => unknown;
  const row = new Uint8Array(LENGTH);
  const points = new Float32Array(16);

  test.each([
    ['nothing', [], TypeError],
    ['floats', [new Float32Array(LENGTH), row, 0.7], TypeError],
    ['part of a descriptor', [row.subarray(1), row, 0.7], RangeError],
    ['no ratio', [row, row], TypeError],
    ['a ratio above 1', [row, row, 1.1], RangeError],
    ['a ratio that is not a number', [row, row, Number.NaN], RangeError],
  ])('matching: %s', (_, values, error) => {
    expect(() => match(...values)).toThrow(error);
  });

  test.each([
    ['nothing', [], TypeError],
    ['half a point', [points.subarray(1), points, 'homography', 2], RangeError],
    ['different numbers of points', [points.subarray(2), points, 'homography', 2], RangeError],
    ['points that are not finite', [points, points.map(() => Number.NaN), 'homography', 2], RangeError],
    ['an unknown model', [points, points, 'affine', 2], TypeError],
    ['no threshold', [points, points, 'homography'], TypeError],
  ])('geometry: %s', (_, values, error) => {
    expect(() => estimate(...values)).toThrow(error);
  });
});
