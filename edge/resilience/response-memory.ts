import type { MemoryBudget, MemoryLease } from './memory-budget.ts';

/** How large a payload is shows only when it is there: it is expected to be like those before it, the largest of which fade. */
const FIRST_EXPECTED_BYTES = 2 * 1024 * 1024;
const FADING = 0.9;
/** The rest of a larger one is counted when it is complete; until then the budget of arriving payloads counts it. */
const MOST_EXPECTED_BYTES = 8 * 1024 * 1024;

/** Bounds the bytes that responses hold, from before they are looked up until they are sent. */
export class ResponseMemory {
  readonly #budget: MemoryBudget;
  #expectedBytes: number;

  /** @param expectedBytes of a payload, until the first one is there */
  constructor(budget: MemoryBudget, expectedBytes = FIRST_EXPECTED_BYTES) {
    this.#budget = budget;
    this.#expectedBytes = expectedBytes;
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
    this.#expectedBytes = Math.min(MOST_EXPECTED_BYTES, Math.max(payloadBytes, FADING * this.#expectedBytes));
    lease.fit(copies * payloadBytes);
  }
}
