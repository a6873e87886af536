import type { NativeVehicles } from '../origin/vehicles/native.ts';

/** A kernel matrix and what regressions on it need. */
export interface KernelProblem {
  native: NativeVehicles;
  /** F32[n, n]. */
  kernel: Float32Array;
  lambda: number;
  threads: number;
}

/** What is learned: a row of the kernel, its fold, its targets. */
export interface Targets {
  rows: Uint32Array;
  folds: Uint8Array;
  /** F32[rows, columns], around `means`. */
  values: Float32Array;
  means: Float64Array;
  columns: number;
}

/**
 * @param wanted of each row; undefined where it says nothing about the targets, which then stay at their means
 */
export function targetsOf(
  rows: Uint32Array,
  folds: Uint8Array,
  wanted: readonly (readonly number[] | undefined)[],
  columns: number,
): Targets {
  const means = new Float64Array(columns);
  const labelled = wanted.filter((values) => values !== undefined);
  for (const values of labelled) {
    for (let c = 0; c < columns; c++) means[c] = (means[c] ?? 0) + (values[c] ?? 0) / labelled.length;
  }
  const values = new Float32Array(rows.length * columns);
  wanted.forEach((row, index) => {
    if (row === undefined) return;
    for (let c = 0; c < columns; c++) values[index * columns + c] = (row[c] ?? 0) - (means[c] ?? 0);
  });
  return { rows, folds, values, means, columns };
}

/** Targets side by side, of the same rows. */
export function besides(parts: readonly Targets[]): Targets {
  const [first] = parts;
  if (first === undefined) throw new RangeError('no targets');
  const columns = parts.reduce((sum, part) => sum + part.columns, 0);
  const values = new Float32Array(first.rows.length * columns);
  for (let row = 0; row < first.rows.length; row++) {
    let at = row * columns;
    for (const part of parts) {
      values.set(part.values.subarray(row * part.columns, (row + 1) * part.columns), at);
      at += part.columns;
    }
  }
  const means = Float64Array.from(parts.flatMap((part) => [...part.means]));
  return { rows: first.rows, folds: first.folds, values, means, columns };
}

/** F32[rows, columns]: coefficients of all rows. */
export function solveAll({ native, kernel, lambda, threads }: KernelProblem, targets: Targets): Float32Array {
  return native.solve(kernel, targets.rows, targets.values, targets.columns, lambda, threads);
}

/**
 * Scores of each row by a regression on the other folds alone: F32[rows, columns].
 *
 * @param done is called after each fold
 */
export function crossValidate(
  problem: KernelProblem,
  targets: Targets,
  folds: number,
  done: (fold: number) => void,
): Float32Array {
  const { native, kernel, lambda, threads } = problem;
  const { rows, columns, values, means } = targets;
  const scores = new Float32Array(rows.length * columns);
  for (let fold = 0; fold < folds; fold++) {
    const indices = [...rows.keys()];
    const trained = indices.filter((index) => targets.folds[index] !== fold);
    const tested = indices.filter((index) => targets.folds[index] === fold);
    if (trained.length === 0 || tested.length === 0) continue;
    const ofRows = (some: readonly number[]) => Uint32Array.from(some, (index) => rows[index] ?? 0);
    const part = new Float32Array(trained.length * columns);
    trained.forEach((index, at) => {
      part.set(values.subarray(index * columns, (index + 1) * columns), at * columns);
    });
    const coefficients = native.solve(kernel, ofRows(trained), part, columns, lambda, threads);
    const predicted = native.predict(kernel, ofRows(trained), ofRows(tested), coefficients, columns);
    tested.forEach((index, at) => {
      for (let c = 0; c < columns; c++) {
        scores[index * columns + c] = (predicted[at * columns + c] ?? 0) + (means[c] ?? 0);
      }
    });
    done(fold);
  }
  return scores;
}

/** Coefficients [n, columns] of some rows as those of all, zero elsewhere. */
export function spread(
  coefficients: Float32Array,
  rows: Uint32Array,
  columns: number,
  all: number,
): Float32Array {
  const spreadOut = new Float32Array(all * columns);
  rows.forEach((row, index) => {
    spreadOut.set(coefficients.subarray(index * columns, (index + 1) * columns), row * columns);
  });
  return spreadOut;
}

/** +1 for the label, -1 / (labels - 1) for the others. */
export function oneOf(labels: number, label: number): number[] {
  return Array.from({ length: labels }, (_, at) => (at === label ? 1 : -1 / Math.max(1, labels - 1)));
}
