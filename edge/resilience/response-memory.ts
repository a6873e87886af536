import type { MemoryBudget, MemoryLease } from './memory-budget.ts';

/** How large a payload is shows only when it is there: it is expected to be like those before it, the largest of which fade. */
const FIRST_EXPECTED_BYTES = 4 * 1024 * 1024;
const FADING = 0.9;

/** Bounds the bytes that responses hold, from before they are looked up until they are sent. */
export class ResponseMemory {
  readonly #budget: MemoryBudget;
  #expectedBytes = FIRST_EXPECTED_BYTES;

  constructor(budget: MemoryBudget) {
    this.#budget = budget;
  }

  /**
   * Waits until there is room for payloads of the expected size.
   *
   * @throws ServiceError `OVERLOADED`
   */
  admit(payloads = 1): Promise<MemoryLease> {
    return this.#budget.acquire(payloads * this.#expectedBytes);
  }

  /** Sets what one payload really takes, and how many times it is held. */
  fit(lease: MemoryLease, payloadBytes: number, copies = 1): void {
    this.#expectedBytes = Math.max(payloadBytes, FADING * this.#expectedBytes);
    lease.fit(copies * payloadBytes);
  }
}
