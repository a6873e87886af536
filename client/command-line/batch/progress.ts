import { SingleBar } from 'cli-progress';
import type { BatchTotals, PairTotals } from './totals.ts';

const REST = '{rate}/s | {details} | {eta_formatted} left';

/** A bar on standard error, where that is a terminal. */
export class Progress {
  readonly #bar: SingleBar | undefined;
  readonly #begun = Date.now();

  /** @param noun of what is counted, as in `images` */
  constructor(total: number, noun: string, isQuiet: boolean) {
    if (isQuiet || !process.stderr.isTTY || total === 0) return;
    const format = `{bar} {percentage}% | {value}/{total} ${noun} | ${REST}`;
    this.#bar = new SingleBar({ format, etaBuffer: 200, hideCursor: true, clearOnComplete: true });
    this.#bar.start(total, 0, { rate: '0', details: '0 failed' });
  }

  showImages({ cached, computed, failed }: BatchTotals): void {
    this.#show(cached + computed + failed, `${cached} cached | ${failed} failed`);
  }

  showPairs({ related, unrelated, failed }: PairTotals): void {
    this.#show(related + unrelated + failed, `${related} related | ${failed} failed`);
  }

  stop(): void {
    this.#bar?.stop();
  }

  #show(done: number, details: string): void {
    const rate = (1000 * done) / Math.max(1, Date.now() - this.#begun);
    this.#bar?.update(done, { rate: rate.toFixed(rate < 10 ? 1 : 0), details });
  }
}
