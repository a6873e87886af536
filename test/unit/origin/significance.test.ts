import { expect, test } from 'vitest';
import { log10FalseAlarms, type Support } from '../../../origin/jobs/significance.ts';

const IDENTITY = Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1);

/** Matches spread over 640×480 pixels, the first `inliers` of them as the identity has it. */
function matches(count: number, inliers: number): Support {
  const points1 = Float32Array.from({ length: 2 * count }, (_, index) =>
    index % 2 === 0 ? (index * 97) % 640 : (index * 61) % 480,
  );
  const points2 = points1.map((value, index) => (index < 2 * inliers ? value + 0.5 : 640 - value / 3));
  const errors = Float64Array.from({ length: count }, (_, match) => (match < inliers ? Math.SQRT1_2 : 300));
  return { points1, points2, errors, matrix: IDENTITY };
}

test('a few of many matches prove nothing, many do', () => {
  expect(log10FalseAlarms(matches(60, 5), 'homography', 2)).toBeGreaterThan(0);
  expect(log10FalseAlarms(matches(60, 30), 'homography', 2)).toBeLessThan(-50);
  expect(log10FalseAlarms(matches(60, 9), 'fundamental', 2)).toBeGreaterThan(0);
  expect(log10FalseAlarms(matches(60, 40), 'fundamental', 2)).toBeLessThan(-10);
});

test('what a minimal sample agrees with has no figure', () => {
  expect(log10FalseAlarms(matches(60, 4), 'homography', 2)).toBeUndefined();
  expect(log10FalseAlarms(matches(60, 7), 'fundamental', 2)).toBeUndefined();
});

test('matches of the same points count once', () => {
  const { points1, points2, errors, matrix } = matches(12, 12);
  // Three points, each with four keypoints.
  const atThree = (points: Float32Array) =>
    points.map((_, index) => (points[Math.floor(index / 8) * 8 + (index % 2)] ?? 0) + (index % 8) / 20);
  const support = { points1: atThree(points1), points2: atThree(points2), errors, matrix };
  expect(log10FalseAlarms(support, 'homography', 2)).toBeUndefined();
  expect(log10FalseAlarms({ points1, points2, errors, matrix }, 'homography', 2)).toBeLessThan(-10);
});

test('a model that maps everything into one place is no evidence', () => {
  const { points1, errors } = matches(40, 40);
  const shrink = Float64Array.of(0.001, 0, 100, 0, 0.001, 100, 0, 0, 1);
  const points2 = points1.map((value) => 100 + 0.001 * value);
  expect(log10FalseAlarms({ points1, points2, errors, matrix: shrink }, 'homography', 2)).toBeUndefined();
});
