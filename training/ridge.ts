import type { NativeVehicles } from '../origin/vehicles/native.ts';

/** A kernel matrix and what regressions on it need. */
export interface KernelProblem {
  native: NativeVehicles;
  /** F32[n, n]. */
  kernel: Float32Array;
  lambda: number;
  threads: number;
}

/** What is learned from. */
export interface Rows {
  /** Of the kernel. */
  rows: Uint32Array;
  /** Rows of one group are left out together. */
  groups: Uint32Array;
  /** Of each row, times lambda: the greater, the less the row counts. */
  penalties: Float32Array;
}

/** Rows and their targets. */
export interface Targets extends Rows {
  /** F32[rows, columns], around `means`. */
  values: Float32Array;
  means: Float64Array;
  columns: number;
}

/**
 * @param wanted of each row; undefined where it says nothing about the targets, which then stay at their means
 */
export function targetsOf(
  rows: Rows,
  wanted: readonly (readonly number[] | undefined)[],
  columns: number,
): Targets {
  const means = new Float64Array(columns);
  const labelled = wanted.filter((values) => values !== undefined);
  for (const values of labelled) {
    for (let c = 0; c < columns; c++) means[c] = (means[c] ?? 0) + (values[c] ?? 0) / labelled.length;
  }
  const values = new Float32Array(wanted.length * columns);
  wanted.forEach((row, index) => {
    if (row === undefined) return;
    for (let c = 0; c < columns; c++) values[index * columns + c] = (row[c] ?? 0) - (means[c] ?? 0);
  });
  return { ...rows, values, means, columns };
}

/** Numbers of groups, from 0, as their names first appear; all rows count alike. */
export function rowsOf(rows: readonly number[], groups: readonly string[]): Rows {
  const numbers = new Map<string, number>();
  return {
    rows: Uint32Array.from(rows),
    groups: Uint32Array.from(groups, (group) => {
      const number = numbers.get(group) ?? numbers.size;
      numbers.set(group, number);
      return number;
    }),
    penalties: new Float32Array(rows.length).fill(1),
  };
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
  return { ...first, values, means, columns };
}

/** F32[rows, columns] both. */
export interface Solution {
  coefficients: Float32Array;
  /** Scores of each row by a regression on the other groups alone. */
  leftOut: Float32Array;
}

/** Solves a regression, and in the same decomposition one without each of the groups. */
export function solve({ native, kernel, lambda, threads }: KernelProblem, targets: Targets): Solution {
  const { rows, groups, values, columns, means } = targets;
  const penalties = targets.penalties.map((penalty) => lambda * penalty);
  const { coefficients, leftOut } = native.solve(kernel, rows, groups, penalties, values, columns, threads);
  return { coefficients, leftOut: leftOut.map((score, at) => score + (means[at % columns] ?? 0)) };
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
