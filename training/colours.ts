import type { AttributeModel } from '../origin/vehicles/model-metadata.ts';
import { softmax } from '../origin/vehicles/probabilities.ts';
import { sortedSet } from './classes.ts';
import { place } from './dataset.ts';
import type { EncodingTable } from './encodings.ts';
import { fitFactors, logLikelihood } from './fit.ts';
import type { TrainingOptions } from './options.ts';
import { attributeModel, type Predictions } from './predictions.ts';
import type { Prepared } from './prepare.ts';
import { oneOf, rowsOf, solve, targetsOf } from './ridge.ts';

const LAMBDA = 0.03;
const FIRST_SHARPNESS = 5;
const GREATEST_SHORT = 2047;
const GREATEST_BYTE = 127;

/** Kernel regression on colour descriptions: it keeps the descriptions that it was trained on, in 8 bits. */
export interface LearnedColours {
  attribute: AttributeModel;
  predictions: Predictions;
  /** I8[samples, length], F32[samples], F32[samples, labels], F32[labels]. */
  rows: Int8Array;
  rowScales: Float32Array;
  coefficients: Float32Array;
  biases: Float32Array;
  length: number;
}

export function learnColours(
  { native, colours, colourTable }: Prepared,
  { holdout, threads }: TrainingOptions,
): LearnedColours | undefined {
  if (colourTable === undefined) return undefined;
  const kept = [...colours.keys()].filter((index) => place(colours[index]?.group ?? '') < 1 - holdout);
  const labels = sortedSet(kept.map((index) => colours[index]?.labels.color));
  if (labels.length < 2) return undefined;
  const { bytes, shorts, scales, length } = inBytes(colourTable.joined, kept);
  const kernel = native.gram(shorts, scales, threads).map((cosine) => Math.exp(2 * (cosine - 1)));
  const rows = rowsOf(
    [...kept.keys()],
    kept.map((index) => colours[index]?.group ?? ''),
  );
  const truth = kept.map((index) => labels.indexOf(colours[index]?.labels.color ?? ''));
  const wanted = truth.map((label) => oneOf(labels.length, label));
  const targets = targetsOf(rows, wanted, labels.length);
  const problem = { native, kernel, lambda: LAMBDA, threads };
  const { coefficients, leftOut: scores } = solve(problem, targets);
  const scoresOf = (index: number) => scores.subarray(index * labels.length, (index + 1) * labels.length);
  const [sharpness = 1] = fitFactors([FIRST_SHARPNESS], ([factor = 1]) =>
    logLikelihood((index) => scoresOf(index).map((score) => score * factor), truth),
  );
  const predictions = {
    labels,
    truth,
    probabilities: truth.map((_, index) => softmax(scoresOf(index), sharpness)),
  };
  return {
    attribute: attributeModel(predictions, { sharpness }),
    predictions,
    rows: bytes,
    rowScales: scales,
    coefficients,
    biases: Float32Array.from(targets.means),
    length,
  };
}

/** The chosen rows of a table with a sixteenth of their precision: what is stored is what is trained on. */
function inBytes({ values, scales, length }: EncodingTable, chosen: readonly number[]) {
  const bytes = new Int8Array(chosen.length * length);
  const factor = GREATEST_BYTE / GREATEST_SHORT;
  chosen.forEach((row, at) => {
    for (let k = 0; k < length; k++)
      bytes[at * length + k] = Math.round((values[row * length + k] ?? 0) * factor);
  });
  return {
    bytes,
    shorts: Int16Array.from(bytes),
    scales: Float32Array.from(chosen, (row) => (scales[row] ?? 0) / factor),
    length,
  };
}
