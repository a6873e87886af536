import type { CalibrationMap } from '../origin/vehicles/model-metadata.ts';
import { calibrated } from '../origin/vehicles/probabilities.ts';

const ECE_BINS = 15;
const MOST_POINTS = 24;
/** Blocks of fewer predictions are joined with their neighbours: their shares would be chance. */
const LEAST_BLOCK = 40;

interface Block {
  from: number;
  right: number;
  count: number;
}

/**
 * Isotonic regression (pool adjacent violators): from a score to the share of predictions with about that score that
 * are right.
 */
export function isotonic(scores: readonly number[], right: readonly boolean[]): CalibrationMap {
  const order = scores.map((_, index) => index).toSorted((a, b) => (scores[a] ?? 0) - (scores[b] ?? 0));
  const size = Math.max(1, Math.min(LEAST_BLOCK, Math.ceil(order.length / MOST_POINTS)));
  const blocks: Block[] = [];
  for (let begin = 0; begin < order.length; begin += size) {
    const members = order.slice(begin, begin + size);
    blocks.push({
      from: members.reduce((sum, index) => sum + (scores[index] ?? 0), 0),
      right: members.filter((index) => right[index]).length,
      count: members.length,
    });
    while (blocks.length > 1 && violates(blocks)) join(blocks);
  }
  while (blocks.length > MOST_POINTS) joinSmallest(blocks);
  return {
    from: blocks.map(({ from, count }) => from / count),
    // One more of each kind: a share of few is never certain.
    to: blocks.map((block) => (block.right + 0.5) / (block.count + 1)),
  };
}

function violates(blocks: readonly Block[]): boolean {
  const [before, last] = blocks.slice(-2);
  return before !== undefined && last !== undefined && before.right * last.count >= last.right * before.count;
}

function join(blocks: Block[]): void {
  const last = blocks.pop();
  const before = blocks.pop();
  if (last && before) blocks.push(sumOf(before, last));
}

function joinSmallest(blocks: Block[]): void {
  let at = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let index = 0; index + 1 < blocks.length; index++) {
    const count = (blocks[index]?.count ?? 0) + (blocks[index + 1]?.count ?? 0);
    if (count < least) {
      least = count;
      at = index;
    }
  }
  const [before, after] = blocks.slice(at, at + 2);
  if (before && after) blocks.splice(at, 2, sumOf(before, after));
}

function sumOf(a: Block, b: Block): Block {
  return { from: a.from + b.from, right: a.right + b.right, count: a.count + b.count };
}

export interface ReliabilityBin {
  count: number;
  confidence: number;
  accuracy: number;
}

/** Predictions by confidence, in bins of equal width. */
export function reliability(confidences: readonly number[], right: readonly boolean[]): ReliabilityBin[] {
  return Array.from({ length: ECE_BINS }, (_, bin) => {
    const members = confidences
      .map((confidence, index) => ({ confidence, right: right[index] ?? false }))
      .filter(({ confidence }) => Math.min(ECE_BINS - 1, Math.floor(confidence * ECE_BINS)) === bin);
    const count = members.length;
    return {
      count,
      confidence: members.reduce((sum, member) => sum + member.confidence, 0) / Math.max(1, count),
      accuracy: members.filter((member) => member.right).length / Math.max(1, count),
    };
  });
}

/** Expected calibration error: mean difference of confidence and accuracy over the bins. */
export function calibrationError(bins: readonly ReliabilityBin[]): number {
  const total = bins.reduce((sum, { count }) => sum + count, 0);
  return bins.reduce(
    (sum, { count, confidence, accuracy }) =>
      sum + (count / Math.max(1, total)) * Math.abs(confidence - accuracy),
    0,
  );
}

/** Error of a calibration that never saw what it is measured on: each half by the map of the other. */
export function crossedError(confidences: readonly number[], right: readonly boolean[]): number {
  const half = (parity: number) =>
    confidences.map((_, index) => index).filter((index) => index % 2 === parity);
  const mapped = new Array<number>(confidences.length).fill(0);
  for (const parity of [0, 1]) {
    const learned = half(1 - parity);
    if (learned.length === 0) return 0;
    const map = isotonic(
      learned.map((index) => confidences[index] ?? 0),
      learned.map((index) => right[index] ?? false),
    );
    for (const index of half(parity)) mapped[index] = calibrated(map, confidences[index] ?? 0);
  }
  return calibrationError(reliability(mapped, right));
}
