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
  readonly #capacity: number;
  readonly #spare: SpareMemory;
  readonly #budgets: MemoryBudget[] = [];
  #opened = 0;

  /** @param capacityBytes of all budgets together, beside the spare memory */
  constructor(capacityBytes: number, spare: SpareMemory) {
    this.#capacity = capacityBytes;
    this.#spare = spare;
  }

  /** A new part. @throws RangeError when the parts are more than the whole */
  open(capacityBytes: number, refusal: string, options: MemoryBudgetOptions = {}): MemoryBudget {
    this.#opened += capacityBytes;
    if (this.#opened > this.#capacity) throw new RangeError('the parts exceed the memory of the isolate');
    const budget = new MemoryBudget(capacityBytes, refusal, { ...options, account: this });
    this.#budgets.push(budget);
    return budget;
  }

  /** Bytes that are held now in all parts. */
  get heldBytes(): number {
    return this.#budgets.reduce((sum, { heldBytes }) => sum + heldBytes, 0);
  }

  /** @param isExceeding whether the holder is larger than its part */
  hasRoomFor(bytes: number, isExceeding: boolean): boolean {
    const held = this.heldBytes;
    return held === 0 || held + bytes <= this.#capacity + (isExceeding ? this.#spare.bytes : 0);
  }

  /** Drops the spare memory once the budgets hold more than is theirs. */
  makeRoom(): void {
    if (this.heldBytes > this.#capacity) this.#spare.drop();
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
