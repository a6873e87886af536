import { expect, test } from 'vitest';
import { loadNativeVehicles } from '../../origin/vehicles/native.ts';

const native = loadNativeVehicles();
const COUNT = 150;
const COLUMNS = 3;

/** A kernel of pseudo-random points, targets, groups of 1 to 80 rows, and penalties. */
function problem() {
  let state = 1;
  const next = () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647 - 0.5;
  };
  const points = Array.from({ length: COUNT }, () => Array.from({ length: 20 }, next));
  const kernel = Float32Array.from(
    points.flatMap((a) => points.map((b) => a.reduce((sum, value, k) => sum + value * (b[k] ?? 0), 0))),
  );
  const rows = Uint32Array.from(points.keys());
  const groups = rows.map((row) => (row < 80 ? 7 : Math.floor((row * 7) % 30)));
  const penalties = Float32Array.from(rows, (row) => 0.2 + (row % 3));
  const targets = Float32Array.from({ length: COUNT * COLUMNS }, next);
  return { kernel, rows, groups, penalties, targets };
}

test('scores without a group are those of a regression that never saw it', () => {
  const { kernel, rows, groups, penalties, targets } = problem();
  const { leftOut } = native.solve(kernel, rows, groups, penalties, targets, COLUMNS, 2);
  for (const group of new Set(groups)) {
    const others = rows.filter((row) => groups[row] !== group);
    const { coefficients } = native.solve(
      kernel,
      others,
      Uint32Array.from(others.keys()),
      Float32Array.from(others, (row) => penalties[row] ?? 0),
      Float32Array.from(
        [...others].flatMap((row) => [...targets.subarray(row * COLUMNS, (row + 1) * COLUMNS)]),
      ),
      COLUMNS,
      1,
    );
    for (const row of rows.filter((at) => groups[at] === group)) {
      for (let column = 0; column < COLUMNS; column++) {
        const expected = others.reduce(
          (sum, other, at) =>
            sum + (kernel[row * COUNT + other] ?? 0) * (coefficients[at * COLUMNS + column] ?? 0),
          0,
        );
        expect(leftOut[row * COLUMNS + column]).toBeCloseTo(expected, 3);
      }
    }
  }
});

test('a row with a great penalty does not count', () => {
  const { kernel, rows, groups, penalties, targets } = problem();
  penalties[0] = 1e6;
  const { coefficients } = native.solve(kernel, rows, groups, penalties, targets, COLUMNS, 1);
  expect(Math.abs(coefficients[0] ?? 1)).toBeLessThan(1e-5);
});
