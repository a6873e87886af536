import { ServiceError } from '../shared/contract/errors.ts';

const POLL_MS = 10;
const LONGEST_WAIT_MS = 5_000;
/** Longer than any request lives, so that a lease ends even if the platform drops its request midway. */
const LEASE_MS = 60_000;

export interface UploadLease {
  release(): void;
}

/**
 * Bounds the bytes of uploads held in an isolate at one time (Workers: 128 MB for everything). Who finds it full
 * waits, its body unread, and is refused after some seconds.
 *
 * Waiters poll: in a Worker no request may depend on another one to wake it.
 */
export class UploadBudget {
  readonly #capacity: number;
  readonly #leases = new Map<symbol, { bytes: number; endsAt: number }>();
  #held = 0;

  constructor(capacityBytes: number) {
    this.#capacity = capacityBytes;
  }

  /** @throws ServiceError `OVERLOADED` */
  async acquire(bytes: number): Promise<UploadLease> {
    const waitUntil = Date.now() + LONGEST_WAIT_MS;
    while (this.#held > 0 && this.#held + bytes > this.#capacity) {
      if (Date.now() >= waitUntil) {
        throw new ServiceError('OVERLOADED', 'Too many uploads are in progress.', {
          retryAfterSeconds: LONGEST_WAIT_MS / 1000,
        });
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      this.#endOverdueLeases();
    }
    const id = Symbol('upload');
    this.#leases.set(id, { bytes, endsAt: Date.now() + LEASE_MS });
    this.#held += bytes;
    return { release: () => this.#release(id) };
  }

  #release(id: symbol): void {
    const lease = this.#leases.get(id);
    if (!lease) return;
    this.#leases.delete(id);
    this.#held -= lease.bytes;
  }

  #endOverdueLeases(): void {
    const now = Date.now();
    for (const [id, { endsAt }] of this.#leases) if (endsAt <= now) this.#release(id);
  }
}
