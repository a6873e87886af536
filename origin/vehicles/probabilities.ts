import type { LabelPrediction } from './classifier.ts';
import type { AttributeModel, CalibrationMap } from './model-metadata.ts';

const SHOWN = 5;

/** Probabilities of scores: e^(sharpness · score), divided by their sum. */
export function softmax(scores: ArrayLike<number>, sharpness = 1): number[] {
  const values = Array.from(scores, (score) => score * sharpness);
  const greatest = values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  const powers = values.map((value) => Math.exp(value - greatest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

/** Probabilities of labels that follow from the class. */
export function sumOverClasses(
  classes: readonly number[],
  labelOfClass: readonly number[],
  labels: number,
): number[] {
  const sums = new Array<number>(labels).fill(0);
  classes.forEach((probability, index) => {
    const label = labelOfClass[index] ?? 0;
    sums[label] = (sums[label] ?? 0) + probability;
  });
  return sums;
}

/** Value of a calibration map. */
export function calibrated({ from, to }: CalibrationMap, value: number): number {
  const above = from.findIndex((point) => point > value);
  const last = from.length - 1;
  if (above < 0) return to[last] ?? value;
  if (above === 0) return to[0] ?? value;
  const [left = 0, right = 1] = [from[above - 1], from[above]];
  const [low = 0, high = 1] = [to[above - 1], to[above]];
  return low + ((high - low) * (value - left)) / (right - left);
}

/**
 * Brings the highest probability to how often such predictions are right; the others share what is left, and never
 * overtake it.
 */
export function calibrate(map: CalibrationMap, probabilities: readonly number[]): number[] {
  const greatest = probabilities.reduce((most, value) => Math.max(most, value), 0);
  const top = probabilities.indexOf(greatest);
  // Not 1 - greatest, which is inexact where the others are tiny.
  const rest = probabilities.reduce((sum, value, at) => (at === top ? sum : sum + value), 0);
  if (probabilities.length < 2 || !(rest > 0)) return [...probabilities];
  const second = probabilities.reduce((most, value, at) => (at === top ? most : Math.max(most, value)), 0);
  // Below it the second would be ahead.
  const least = second / (rest + second);
  const wanted = Math.max(calibrated(map, greatest), least);
  return probabilities.map((value, at) => (at === top ? wanted : (value * (1 - wanted)) / rest));
}

/** The most probable labels of calibrated probabilities, and how undecided they are. */
export function prediction(attribute: AttributeModel, probabilities: readonly number[]): LabelPrediction {
  const all = calibrate(attribute.calibration, probabilities);
  // By the raw values: calibration may make the first two equal.
  const top = [...all.keys()]
    .toSorted((a, b) => (probabilities[b] ?? 0) - (probabilities[a] ?? 0))
    .slice(0, SHOWN)
    .map((at) => ({ label: attribute.labels[at] ?? '', probability: all[at] ?? 0 }));
  return { top, entropy: entropy(all) };
}

function entropy(probabilities: readonly number[]): number {
  if (probabilities.length < 2) return 0;
  const sum = probabilities.reduce((total, p) => (p > 0 ? total - p * Math.log(p) : total), 0);
  return Math.min(1, Math.max(0, sum / Math.log(probabilities.length)));
}
