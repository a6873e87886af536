import { expect, test } from 'vitest';
import { minimize } from '../../../training/minimize.ts';
import { fitMixing, type Multiply, mixed, type Scored } from '../../../training/mixing.ts';

test('the minimum of a narrow valley is found', () => {
  const found = minimize(
    (at, gradient) => {
      const [x = 0, y = 0] = at;
      gradient[0] = -2 * (1 - x) - 400 * x * (y - x * x);
      gradient[1] = 200 * (y - x * x);
      return (1 - x) ** 2 + 100 * (y - x * x) ** 2;
    },
    2,
    200,
  );
  expect(found[0]).toBeCloseTo(1, 3);
  expect(found[1]).toBeCloseTo(1, 3);
});

/** What training leaves to the native addon. */
const multiply: Multiply = (a, b, depth) => {
  const columns = b.length / depth;
  return Float32Array.from({ length: (a.length / depth) * columns }, (_, at) => {
    const row = Math.floor(at / columns);
    let sum = 0;
    for (let k = 0; k < depth; k++) sum += (a[row * depth + k] ?? 0) * (b[k * columns + (at % columns)] ?? 0);
    return sum;
  });
};

/** The logits say the first class; the third class's score decides which of the first two is right. */
function samples(): Scored[] {
  return Array.from({ length: 60 }, (_, index) => {
    const truth = index % 2;
    const scores = Float32Array.of(0.4, 0.3, truth === 1 ? 0.5 : -0.5);
    return { logits: [2, 1.5, -1], scores, truth };
  });
}

test('the score of one class can speak for another', () => {
  const mixing = fitMixing(samples(), 3, multiply);
  const labels = samples().map((sample) => {
    const logits = mixed(mixing, sample);
    return logits.indexOf(Math.max(...logits));
  });
  expect(labels).toEqual(samples().map(({ truth }) => truth));
});

test('without anything to gain the logits hardly change', () => {
  const certain = samples().map((sample) => ({
    ...sample,
    logits: sample.truth === 1 ? [0, 30, 0] : [30, 0, 0],
  }));
  const mixing = fitMixing(certain, 3, multiply);
  for (const sample of certain) {
    mixed(mixing, sample).forEach((logit, index) => {
      expect(Math.abs(logit - (sample.logits[index] ?? 0))).toBeLessThan(0.01);
    });
  }
});
