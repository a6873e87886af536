import { expect, test } from 'vitest';
import { calibrate, calibrated } from '../../../origin/vehicles/probabilities.ts';
import { calibrationError, isotonic, reliability } from '../../../training/calibration.ts';
import { packWeights } from '../../../training/weights.ts';

const scores = Array.from({ length: 400 }, (_, index) => index / 400);

test('an isotonic map never falls', () => {
  const right = scores.map((_, index) => (index * 7919) % 400 < index);
  const map = isotonic(scores, right);
  expect(map.to).toEqual(map.to.toSorted((a, b) => a - b));
  const mapped = scores.map((score) => calibrated(map, score));
  expect(mapped).toEqual(mapped.toSorted((a, b) => a - b));
});

test('confidence that is twice what is right is brought down to it', () => {
  const right = scores.map((score, index) => ((index * 7919) % 400) / 400 < score / 2);
  expect(calibrationError(reliability(scores, right))).toBeGreaterThan(0.15);
  const map = isotonic(scores, right);
  const mapped = scores.map((score) => calibrated(map, score));
  expect(calibrationError(reliability(mapped, right))).toBeLessThan(0.05);
});

test('calibration keeps the order and the sum', () => {
  const map = { from: [0, 1], to: [0, 0.5] };
  const values = calibrate(map, [0.5, 0.3, 0.2]);
  expect(values.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1);
  expect(values[0]).toBeGreaterThanOrEqual((values[1] ?? 1) - 1e-12);
  expect(values[1]).toBeGreaterThan(values[2] ?? 1);
});

test('a certain prediction stays as it is', () => {
  expect(calibrate({ from: [0, 1], to: [0, 0.9] }, [1, 0, 0])).toEqual([1, 0, 0]);
});

test('packed weights lie within half a step of the weights that are not cut', () => {
  const weights = Float32Array.from({ length: 128 }, (_, index) => Math.sin(index));
  const { packed, scales } = packWeights(weights, 64);
  expect(packed).toHaveLength(64);
  for (let at = 0; at < 128; at++) {
    const byte = packed[Math.floor(at / 64) * 32 + (at % 32)] ?? 0;
    const nibble = at % 64 < 32 ? byte & 15 : byte >> 4;
    const scale = scales[Math.floor(at / 64)] ?? 0;
    expect(Math.abs((nibble - 8) * scale - (weights[at] ?? 0))).toBeLessThanOrEqual(scale / 2 + 1e-6);
  }
});
