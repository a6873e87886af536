/** Predictions that the index looks back on. */
const WINDOW = 2_000;
/** With fewer, chance alone moves the index. */
const LEAST_SAMPLES = 200;

/**
 * Population stability index of counts against shares: Σ (q − p) ln(q / p), 0 where both are the same. Every count has half
 * a sample more, so that labels without any stay finite, and what chance adds on average, (labels − 1) / samples, is
 * taken off: unlike the plain index it does not grow with the number of labels.
 *
 * @param shares of the same labels, which sum up to 1
 */
export function stabilityIndex(counts: readonly number[], shares: readonly number[]): number {
  const labels = counts.length;
  const samples = counts.reduce((sum, count) => sum + count, 0);
  const share = (count: number) => (count + 0.5) / (samples + 0.5 * labels);
  const index = counts.reduce((sum, count, at) => {
    const [now, then] = [share(count), share((shares[at] ?? 0) * samples)];
    return sum + (now - then) * Math.log(now / then);
  }, 0);
  return Math.max(0, index - (labels - 1) / samples);
}

/** How far the latest predictions of an attribute are from the images that its model was trained on. */
export class Drift {
  readonly #labels: Map<string, number>;
  readonly #shares: readonly number[];
  readonly #counts: number[];
  readonly #latest: number[] = [];

  /** @param distribution shares of the training images by label */
  constructor(distribution: Readonly<Record<string, number>>) {
    const entries = Object.entries(distribution);
    this.#labels = new Map(entries.map(([label], index) => [label, index]));
    this.#shares = entries.map(([, share]) => share);
    this.#counts = entries.map(() => 0);
  }

  add(label: string): void {
    const index = this.#labels.get(label);
    if (index === undefined) return;
    this.#change(index, 1);
    this.#latest.push(index);
    const oldest = this.#latest.length > WINDOW ? this.#latest.shift() : undefined;
    if (oldest !== undefined) this.#change(oldest, -1);
  }

  /** Undefined until there are enough predictions. */
  get index(): number | undefined {
    return this.#latest.length < LEAST_SAMPLES ? undefined : stabilityIndex(this.#counts, this.#shares);
  }

  #change(index: number, by: number): void {
    this.#counts[index] = (this.#counts[index] ?? 0) + by;
  }
}
