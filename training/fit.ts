import { softmax } from '../origin/vehicles/probabilities.ts';

/** Mean log-likelihood of the right labels. */
export function logLikelihood(
  logits: (index: number) => ArrayLike<number>,
  labels: readonly number[],
): number {
  let sum = 0;
  labels.forEach((label, index) => {
    sum += Math.log(Math.max(1e-12, softmax(logits(index))[label] ?? 0));
  });
  return sum / labels.length;
}

const STEPS = [1.6, 1.25, 1.1, 1.03];

/** Factors, above 0, that make `score` greatest: one after the other is made larger or smaller, in finer and finer steps. */
export function fitFactors(
  start: readonly number[],
  score: (factors: readonly number[]) => number,
): number[] {
  let factors = [...start];
  let best = score(factors);
  for (const step of STEPS) {
    for (let improved = true; improved; ) {
      improved = false;
      for (let at = 0; at < factors.length; at++) {
        for (const change of [step, 1 / step]) {
          const tried = factors.map((factor, index) => (index === at ? factor * change : factor));
          const reached = score(tried);
          if (reached > best + 1e-7) {
            best = reached;
            factors = tried;
            improved = true;
          }
        }
      }
    }
  }
  return factors;
}
