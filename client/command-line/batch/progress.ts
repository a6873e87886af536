import { SingleBar } from 'cli-progress';
import type { BatchTotals } from './totals.ts';

const FORMAT =
  '{bar} {percentage}% | {value}/{total} images | {rate}/s | {cached} cached | {failed} failed | {eta_formatted} left';

/** A bar on standard error, where that is a terminal. */
export class Progress {
  readonly #bar: SingleBar | undefined;
  readonly #begun = Date.now();

  constructor(total: number, isQuiet: boolean) {
    if (isQuiet || !process.stderr.isTTY || total === 0) return;
    this.#bar = new SingleBar({ format: FORMAT, etaBuffer: 200, hideCursor: true, clearOnComplete: true });
    this.#bar.start(total, 0, { rate: '0', cached: 0, failed: 0 });
  }

  update({ cached, computed, failed }: BatchTotals): void {
    const done = cached + computed + failed;
    const rate = (1000 * done) / Math.max(1, Date.now() - this.#begun);
    this.#bar?.update(done, { rate: rate.toFixed(rate < 10 ? 1 : 0), cached, failed });
  }

  stop(): void {
    this.#bar?.stop();
  }
}
