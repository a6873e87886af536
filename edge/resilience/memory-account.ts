import { MemoryBudget, type MemoryBudgetOptions } from './memory-budget.ts';

/** What an isolate keeps only to be faster, and can drop at any time. */
export interface SpareMemory {
  /** The most bytes that it takes. */
  bytes: number;
  drop: () => void;
}

/**
 * Holds the budgets of one isolate together. Each has its part, and all parts are there at the same time. A holder that
 * is larger than its part takes the rest from what the others leave free and from the caches, which are dropped for it.
 * As long as it holds that, others wait, and its client must move.
 */
export class MemoryAccount {
  readonly #spare: SpareMemory;
  readonly #budgets: MemoryBudget[] = [];
  /** Of all budgets together, beside the spare memory. */
  #capacity = 0;
  /** Bytes that are held now in all parts. */
  #held = 0;

  constructor(spare: SpareMemory) {
    this.#spare = spare;
  }

  /** A new part, to be opened before any of them is used. */
  open(capacityBytes: number, refusal: string, options: MemoryBudgetOptions = {}): MemoryBudget {
    this.#capacity += capacityBytes;
    const budget = new MemoryBudget(capacityBytes, refusal, { ...options, account: this });
    this.#budgets.push(budget);
    return budget;
  }

  /** @param isExceeding whether the holder is larger than its part */
  hasRoomFor(bytes: number, isExceeding: boolean): boolean {
    const most = this.#capacity + (isExceeding ? this.#spare.bytes : 0);
    return this.#held === 0 || this.#held + bytes <= most;
  }

  /** Counts what a part holds more, or less; drops the spare memory once all hold more than is theirs. */
  changeHeld(bytes: number): void {
    this.#held += bytes;
    if (bytes > 0 && this.#held > this.#capacity) this.#spare.drop();
  }

  /** Time that no client could use. */
  excuse(milliseconds: number): void {
    for (const budget of this.#budgets) budget.excuse(milliseconds);
  }

  /** Ends slow clients where their holders have more than their part. */
  endStalled(): void {
    for (const budget of this.#budgets) if (budget.isExceeded) budget.endStalled();
  }
}
