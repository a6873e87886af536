import { softmax } from '../origin/vehicles/probabilities.ts';
import { minimize } from './minimize.ts';

/** Strength of the penalty on all weights together, for one sample; that of a bias is ten times greater. */
const PENALTY = 0.2;
const BIAS_FACTOR = 10;
const ROUNDS = 40;

/** Product of F32[rows, depth] and F32[depth, columns], row by row. */
export type Multiply = (a: Float32Array, b: Float32Array, depth: number) => Float32Array;

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
export function fitMixing(samples: readonly Scored[], classes: number, multiply: Multiply): Mixing {
  const count = samples.length;
  const size = classes * classes;
  const share = 1 / Math.max(1, count);
  const scores = new Float32Array(count * classes);
  samples.forEach((sample, row) => {
    scores.set(sample.scores, row * classes);
  });
  const point = minimize(
    (at, gradient) => {
      let value = 0;
      for (let k = 0; k < at.length; k++) {
        const penalty = PENALTY * share * (k < size ? 1 : BIAS_FACTOR);
        const weight = at[k] ?? 0;
        value += penalty * weight * weight;
        gradient[k] = 2 * penalty * weight;
      }
      const corrections = multiply(scores, transposed(at, classes), classes);
      const errors = new Float32Array(classes * count);
      samples.forEach(({ logits, truth }, row) => {
        const probabilities = softmax(
          Float64Array.from(
            logits,
            (logit, index) => logit + (corrections[row * classes + index] ?? 0) + (at[size + index] ?? 0),
          ),
        );
        value -= share * Math.log(Math.max(1e-12, probabilities[truth] ?? 0));
        probabilities.forEach((probability, index) => {
          const error = share * (probability - (index === truth ? 1 : 0));
          errors[index * count + row] = error;
          gradient[size + index] = (gradient[size + index] ?? 0) + error;
        });
      });
      multiply(errors, scores, count).forEach((slope, k) => {
        gradient[k] = (gradient[k] ?? 0) + slope;
      });
      return value;
    },
    size + classes,
    ROUNDS,
  );
  return { weights: point.slice(0, size), biases: point.slice(size) };
}

/** The first `size` × `size` values of `point`, rows and columns exchanged. */
function transposed(point: Float64Array, size: number): Float32Array {
  const result = new Float32Array(size * size);
  for (let row = 0; row < size; row++)
    for (let column = 0; column < size; column++)
      result[column * size + row] = point[row * size + column] ?? 0;
  return result;
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
