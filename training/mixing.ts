import { softmax } from '../origin/vehicles/probabilities.ts';
import { minimize } from './minimize.ts';

/** Strength of the penalty on all weights together, for one sample; that of a bias is ten times greater. */
const PENALTY = 0.2;
const BIAS_FACTOR = 10;
const ROUNDS = 40;
/** Classes that are less probable than this before the correction stay so: they take no part. */
const LEAST_PROBABILITY = 1e-5;

/** What a class's score says for other classes: added to the logits, scores · weights + biases. */
export interface Mixing {
  /** F64[classes, classes]: row of the class whose logit it is, column of the score. */
  weights: Float64Array;
  /** F64[classes]. */
  biases: Float64Array;
}

/** Logits, scores and the right class of an image, by a regression that did not see the image. */
export interface Scored {
  logits: ArrayLike<number>;
  /** Of the classes alone. */
  scores: Float32Array;
  truth: number;
}

/** Multinomial logistic regression on the classes' scores, with the logits as its starting point. */
export function fitMixing(samples: readonly Scored[], classes: number): Mixing {
  const prepared = samples.map(({ logits, scores, truth }) => {
    const candidates = candidatesOf(logits, truth);
    return {
      scores,
      candidates,
      logits: Float64Array.from(candidates, (index) => logits[index] ?? 0),
      truth: candidates.indexOf(truth),
    };
  });
  const size = classes * classes;
  const share = 1 / Math.max(1, samples.length);
  const point = minimize(
    (at, gradient) => {
      let value = 0;
      for (let k = 0; k < at.length; k++) {
        const penalty = PENALTY * share * (k < size ? 1 : BIAS_FACTOR);
        const weight = at[k] ?? 0;
        value += penalty * weight * weight;
        gradient[k] = 2 * penalty * weight;
      }
      for (const sample of prepared) {
        const { scores, candidates, truth } = sample;
        const probabilities = softmax(
          sample.logits.map((logit, i) => logit + correction(at, candidates[i] ?? 0, scores, classes)),
        );
        value -= share * Math.log(Math.max(1e-12, probabilities[truth] ?? 0));
        candidates.forEach((index, i) => {
          const error = share * ((probabilities[i] ?? 0) - (i === truth ? 1 : 0));
          gradient[size + index] = (gradient[size + index] ?? 0) + error;
          const row = index * classes;
          for (let j = 0; j < classes; j++)
            gradient[row + j] = (gradient[row + j] ?? 0) + error * (scores[j] ?? 0);
        });
      }
      return value;
    },
    size + classes,
    ROUNDS,
  );
  return { weights: point.slice(0, size), biases: point.slice(size) };
}

/** Corrected logits. */
export function mixed({ weights, biases }: Mixing, { logits, scores }: Omit<Scored, 'truth'>): number[] {
  const classes = biases.length;
  return Array.from(logits, (logit, index) => {
    let sum = logit + (biases[index] ?? 0);
    for (let j = 0; j < classes; j++) sum += (weights[index * classes + j] ?? 0) * (scores[j] ?? 0);
    return sum;
  });
}

function candidatesOf(logits: ArrayLike<number>, truth: number): number[] {
  return softmax(logits).flatMap((probability, index) =>
    probability >= LEAST_PROBABILITY || index === truth ? [index] : [],
  );
}

/** @param at weights, then biases */
function correction(at: Float64Array, index: number, scores: Float32Array, classes: number): number {
  let sum = at[classes * classes + index] ?? 0;
  for (let j = 0; j < classes; j++) sum += (at[index * classes + j] ?? 0) * (scores[j] ?? 0);
  return sum;
}
