import { ServiceError } from '../../shared/contract/errors.ts';

const POLL_MS = 5;
const LONGEST_WAIT_MS = 20_000;
/** A waiter that has not polled for so long was ended by the platform. */
const ABANDONED_MS = 2_000;
/** Longer than any request lives, so that a lease ends even if the platform drops its request midway. */
const LEASE_MS = 90_000;

export interface MemoryLease {
  release(): void;
}

interface Held {
  bytes: number;
  since: number;
}

interface Waiting {
  bytes: number;
  polledAt: number;
}

/**
 * Bounds the bytes of bodies that an isolate holds at one time (Workers: 128 MB for everything). Who finds it full
 * waits its turn, its body unread, and is refused after some seconds. A body larger than the whole budget has it alone.
 *
 * Waiters poll: in a Worker no request may depend on another one to wake it.
 */
export class MemoryBudget {
  readonly #capacity: number;
  readonly #refusal: string;
  readonly #leases = new Map<symbol, Held>();
  /** In order of arrival. */
  readonly #queue = new Map<symbol, Waiting>();
  #held = 0;
  #meanLeaseMs = 0;

  /** @param refusal what a client is told for whom there was no room in time */
  constructor(capacityBytes: number, refusal: string) {
    this.#capacity = capacityBytes;
    this.#refusal = refusal;
  }

  /** @throws ServiceError `OVERLOADED` */
  async acquire(bytes: number): Promise<MemoryLease> {
    const id = Symbol('lease');
    if (this.#queue.size > 0 || !this.#hasRoomFor(bytes)) await this.#waitForTurn(id, bytes);
    this.#leases.set(id, { bytes, since: Date.now() });
    this.#held += bytes;
    return { release: () => this.#release(id) };
  }

  #hasRoomFor(bytes: number): boolean {
    return this.#held === 0 || this.#held + bytes <= this.#capacity;
  }

  async #waitForTurn(id: symbol, bytes: number): Promise<void> {
    const waiting: Waiting = { bytes, polledAt: Date.now() };
    const giveUpAt = waiting.polledAt + LONGEST_WAIT_MS;
    this.#queue.set(id, waiting);
    try {
      while (!this.#isFirst(id) || !this.#hasRoomFor(bytes)) {
        if (Date.now() >= giveUpAt) throw this.#overloaded();
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
        waiting.polledAt = Date.now();
        this.#endOverdueLeases();
      }
    } finally {
      this.#queue.delete(id);
    }
  }

  #isFirst(id: symbol): boolean {
    const abandonedBefore = Date.now() - ABANDONED_MS;
    for (const [other, { polledAt }] of this.#queue) {
      if (other === id) return true;
      if (polledAt > abandonedBefore) return false;
      this.#queue.delete(other);
    }
    return true;
  }

  #overloaded(): ServiceError {
    const bytesAhead = this.#queue.values().reduce((sum, { bytes }) => sum + bytes, this.#held);
    return new ServiceError('OVERLOADED', this.#refusal, {
      retryAfterSeconds: ((bytesAhead / this.#capacity) * this.#meanLeaseMs) / 1000,
    });
  }

  #release(id: symbol): void {
    const lease = this.#leases.get(id);
    if (!lease) return;
    this.#leases.delete(id);
    this.#held -= lease.bytes;
    this.#meanLeaseMs += (Date.now() - lease.since - this.#meanLeaseMs) / 16;
  }

  #endOverdueLeases(): void {
    const overdueSince = Date.now() - LEASE_MS;
    for (const [id, { since }] of this.#leases) if (since <= overdueSince) this.#release(id);
  }
}
