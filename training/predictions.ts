import type { AttributeModel } from '../origin/vehicles/model-metadata.ts';
import { calibrate } from '../origin/vehicles/probabilities.ts';
import { calibrationError, crossedError, isotonic, type ReliabilityBin, reliability } from './calibration.ts';

/** Predictions for images whose label is known, by a model that was not trained on them. */
export interface Predictions {
  labels: string[];
  /** Indices into `labels`. */
  truth: number[];
  /** Of each image, one for each label. */
  probabilities: number[][];
  /**
   * Of each image, the index of the label that comes first. The most probable one if absent; a calibration can give
   * equal probabilities to labels that were in order before.
   */
  predicted?: number[];
}

export interface PredictionFigures {
  samples: number;
  top1: number;
  top5: number;
  ece: number;
  reliability: ReliabilityBin[];
  /** By label; 0 where there is nothing to divide by. */
  classes: { label: string; samples: number; precision: number; recall: number }[];
  /** [truth][predicted]. */
  confusion: number[][];
}

/** The calibration that raw predictions ask for, with the error that it has on predictions it was not made from. */
export function attributeModel(
  predictions: Predictions,
  { sharpness = 1, ...extra }: Partial<Pick<AttributeModel, 'of_class' | 'sharpness'>> = {},
): AttributeModel {
  const { labels, truth, probabilities } = predictions;
  const { confidences, right } = topOf(predictions);
  const calibration = isotonic(confidences, right);
  const share = (label: number) =>
    truth.filter((value) => value === label).length / Math.max(1, truth.length);
  return {
    labels,
    training_distribution: labels.map((_, label) => share(label)),
    calibration,
    metrics: {
      samples: truth.length,
      top1: right.filter((value) => value).length / Math.max(1, truth.length),
      top5: topShare(truth, probabilities, 5),
      ece: crossedError(confidences, right),
    },
    sharpness,
    ...extra,
  };
}

export function calibratedBy(model: AttributeModel, predictions: Predictions): Predictions {
  return {
    ...predictions,
    probabilities: predictions.probabilities.map((values) => calibrate(model.calibration, values)),
    predicted: topOf(predictions).predicted,
  };
}

/** @param predictions calibrated */
export function figuresOf(predictions: Predictions): PredictionFigures {
  const { labels, truth, probabilities } = predictions;
  const { confidences, right, predicted } = topOf(predictions);
  const bins = reliability(confidences, right);
  const confusion = labels.map(() => new Array<number>(labels.length).fill(0));
  truth.forEach((label, index) => {
    const row = confusion[label];
    const column = predicted[index] ?? 0;
    if (row) row[column] = (row[column] ?? 0) + 1;
  });
  const classes = labels.map((label, at) => {
    const samples = sum(confusion[at] ?? []);
    const claimed = sum(confusion.map((row) => row[at] ?? 0));
    const hits = confusion[at]?.[at] ?? 0;
    return { label, samples, precision: hits / Math.max(1, claimed), recall: hits / Math.max(1, samples) };
  });
  return {
    samples: truth.length,
    top1: right.filter((value) => value).length / Math.max(1, truth.length),
    top5: topShare(truth, probabilities, 5),
    ece: calibrationError(bins),
    reliability: bins,
    classes,
    confusion,
  };
}

function topOf({ truth, probabilities, predicted: given }: Predictions) {
  const predicted = given ?? probabilities.map((values) => values.indexOf(Math.max(...values)));
  return {
    predicted,
    confidences: probabilities.map((values, index) => values[predicted[index] ?? 0] ?? 0),
    right: truth.map((label, index) => predicted[index] === label),
  };
}

function topShare(
  truth: readonly number[],
  probabilities: readonly (readonly number[])[],
  top: number,
): number {
  const hits = truth.filter((label, index) => {
    const values = probabilities[index] ?? [];
    const own = values[label] ?? 0;
    return values.filter((value) => value > own).length < top;
  });
  return hits.length / Math.max(1, truth.length);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
