import { ServiceError } from '../../shared/contract/errors.ts';
import type { MemoryAccount } from './memory-account.ts';

/** How often a waiter looks by itself: the request that was to wake it may have been ended by the platform. */
const POLL_MS = 100;
/** As many are woken when room is given back: the first may be abandoned, or too large for it. */
const WOKEN = 4;
/** Looking at every holder costs more than looking whether there is room. */
const STALLED_CHECK_MS = 200;
const NO_PROGRESS_MS = 1_000;
/** A client that has moved nothing for so long is not sending. */
const SENDING_MS = 1_500;
/** A holder of no more than this share of the capacity is not ended for others: it would make no room. */
const LEAST_SHARE = 1 / 512;
const LONGEST_WAIT_MS = 20_000;
/** A waiter that has not polled for so long was ended by the platform. */
const ABANDONED_MS = 2_000;
/** More wait only in an attack. */
const MAX_WAITING = 512;
/** How often a waiter that there is no room for is overtaken by ones that there is room for. */
const MAX_OVERTAKEN = 32;
/** Longer than any step of a request takes, so that a lease ends even if the platform drops its request midway. */
const LEASE_MS = 90_000;
/** While others wait in vain, a client keeps its memory as long as it moves something in this time, … */
const STALLED_MS = 8_000;
/** … and after this time, at this rate in all: slower than any phone, faster than a client that tries to block others. */
const RATE_COUNTS_AFTER_MS = 12_000;
const LEAST_BYTES_PER_MS = 16;
/** A large holder must move faster: while others wait in vain, its bytes have to be gone after this time. */
const LONGEST_TRANSFER_MS = 90_000;
/** A pause that took so much longer than it should shows that this isolate was busy, and no client slow. */
const BUSY_MS = 200;

/** Bytes that belong to one holder until it releases them, or until they are taken from it. */
export interface MemoryLease {
  /** How many bytes it holds. */
  readonly bytes: number;
  /** Its client was too slow while others waited for the memory: the holder must end its work. */
  readonly isEnded: boolean;
  /** Milliseconds that it has waited for more room: time in which its client could not send. */
  readonly waitedMs: number;
  /**
   * Sets how many bytes it holds; waits for more, but not for less.
   *
   * @throws ServiceError `OVERLOADED`
   */
  resize(bytes: number): Promise<void>;
  /** Sets how many bytes it holds, without waiting: for bytes that are in memory already. */
  fit(bytes: number): void;
  /** From now on it depends on the client how long the bytes are held; called whenever so many have moved. */
  moved(bytes: number): void;
  /** The holder goes on with a step of its own, which no client can draw out. */
  settle(): void;
  release(): void;
}

export interface MemoryBudgetOptions {
  /** How long a request waits while no request gets room. */
  longestWaitMs?: number;
  /** How long it waits in all, while others before it get room. As long as the former if not given. */
  longestQueueMs?: number;
  /** While others wait in vain, a client may pause for so long. */
  stalledMs?: number;
  /** Refuses at once what would wait for longer than it may, judged by how long others hold their room. */
  refusesHopeless?: boolean;
  /** The account that this budget belongs to. */
  account?: MemoryAccount | undefined;
}

interface Waiting {
  bytes: number;
  wanted: number;
  polledAt: number;
  overtaken: number;
}

/**
 * Bounds the bytes that an isolate holds for one purpose at one time (Workers: 128 MB for everything). A holder that
 * finds it full waits before it reads anything, and is refused after some seconds; smaller ones overtake larger ones
 * within bounds. Holders grow as bytes arrive: announced bytes take no room. While others wait, holders
 * whose clients are too slow are ended. A body larger than the whole budget has it alone, if the account has room.
 *
 * Waiters are woken when room is given back, and also poll: in a Worker no request may depend on another one alone.
 */
export class MemoryBudget {
  readonly #capacity: number;
  readonly #refusal: string;
  readonly #longestWaitMs: number;
  readonly #longestQueueMs: number;
  readonly #stalledMs: number;
  readonly #refusesHopeless: boolean;
  readonly #account: MemoryAccount | undefined;
  readonly #leases = new Set<Lease>();
  /** In order of arrival. */
  readonly #queue = new Map<symbol, Waiting>();
  /** Holders that wait for more. They come first: they cannot finish, and release their memory, before they have all of it. */
  readonly #growing = new Set<Lease>();
  /** The one holder that may exceed the capacity, so that holders that all wait for more cannot block each other. */
  #exceeding: Lease | undefined;
  /** Waiters that pause, and what ends their pause. */
  readonly #asleep = new Map<symbol | Lease, () => void>();
  #held = 0;
  #checkedAt = 0;
  /** When room was last given or taken back. */
  #progressAt = 0;
  #meanLeaseMs = 0;

  /** @param refusal message for a client whose request found no room in time */
  constructor(
    capacityBytes: number,
    refusal: string,
    {
      longestWaitMs = LONGEST_WAIT_MS,
      longestQueueMs = longestWaitMs,
      stalledMs = STALLED_MS,
      refusesHopeless = false,
      account,
    }: MemoryBudgetOptions = {},
  ) {
    this.#capacity = capacityBytes;
    this.#refusal = refusal;
    this.#longestWaitMs = longestWaitMs;
    this.#longestQueueMs = longestQueueMs;
    this.#stalledMs = stalledMs;
    this.#refusesHopeless = refusesHopeless;
    this.#account = account;
  }

  /** Bytes that are held now. */
  get heldBytes(): number {
    return this.#held;
  }

  get isExceeded(): boolean {
    return this.#held > this.#capacity;
  }

  /**
   * @param wanted bytes that the holder will grow to, where its client goes on sending
   * @throws ServiceError `OVERLOADED`
   */
  async acquire(bytes: number, wanted = bytes): Promise<MemoryLease> {
    const isFree = this.#queue.size === 0 && this.#growing.size === 0;
    if (!isFree) this.#checkHope(this.#longestQueueMs);
    if (!isFree || !this.#canStart(bytes, wanted)) await this.#waitForTurn(bytes, wanted);
    return this.#lease(bytes, wanted);
  }

  /** Whether there is room for its first bytes, and for the final bytes of all holders whose clients are sending. */
  #canStart(bytes: number, wanted: number, promised = this.#promisedBytes()): boolean {
    return this.#hasRoomFor(bytes) && (this.#held === 0 || promised + wanted <= this.#capacity);
  }

  #promisedBytes(): number {
    const now = Date.now();
    let bytes = 0;
    for (const lease of this.#leases) bytes += lease.promisedAt(now);
    return bytes;
  }

  #lease(bytes: number, wanted: number): Lease {
    const lease = new Lease(bytes, wanted, {
      resize: (more) => this.#resize(lease, more),
      fit: (actual) => this.#fit(lease, actual),
      release: () => this.#release(lease),
    });
    this.#leases.add(lease);
    this.#changeHeld(bytes);
    this.#progressAt = Date.now();
    return lease;
  }

  #changeHeld(bytes: number): void {
    this.#held += bytes;
    this.#account?.changeHeld(bytes);
  }

  #hasRoomFor(bytes: number): boolean {
    const isExceeding = this.#held + bytes > this.#capacity;
    if (isExceeding && this.#held > 0) return false;
    return this.#account?.hasRoomFor(bytes, isExceeding) ?? true;
  }

  async #waitForTurn(bytes: number, wanted: number): Promise<void> {
    if (this.#queue.size >= MAX_WAITING) throw this.#overloaded();
    const id = Symbol('waiting');
    const startedAt = Date.now();
    const waiting: Waiting = { bytes, wanted, polledAt: startedAt, overtaken: 0 };
    this.#queue.set(id, waiting);
    try {
      await this.#poll(
        id,
        () => this.#tryTurn(id, waiting),
        () => {
          waiting.polledAt = Date.now();
          this.#checkHope(startedAt + this.#longestQueueMs - waiting.polledAt, id);
        },
      );
    } finally {
      this.#queue.delete(id);
      this.#wake();
    }
  }

  /** Whether it is this waiter's turn; those that it overtakes then take note. */
  #tryTurn(id: symbol, { bytes, wanted }: Waiting): boolean {
    const promised = this.#promisedBytes();
    if (this.#growing.size > 0 || !this.#canStart(bytes, wanted, promised)) return false;
    const ahead: Waiting[] = [];
    const abandonedBefore = Date.now() - ABANDONED_MS;
    for (const [other, waiting] of this.#queue) {
      if (other === id) break;
      if (waiting.polledAt <= abandonedBefore) this.#queue.delete(other);
      else if (waiting.overtaken >= MAX_OVERTAKEN || this.#canStart(waiting.bytes, waiting.wanted, promised))
        return false;
      else ahead.push(waiting);
    }
    for (const waiting of ahead) waiting.overtaken += 1;
    return true;
  }

  async #resize(lease: Lease, bytes: number): Promise<void> {
    const more = bytes - lease.bytes;
    if (more > 0 && (this.#growing.size > 0 || !this.#hasRoomFor(more))) {
      lease.beginWait();
      this.#growing.add(lease);
      try {
        await this.#poll(
          lease,
          () => lease.isEnded || this.#mayGrow(lease, more),
          () => lease.renew(),
        );
      } finally {
        this.#growing.delete(lease);
        lease.endWait();
        this.#wake();
      }
    }
    this.#fit(lease, bytes);
  }

  #fit(lease: Lease, bytes: number): void {
    if (!this.#leases.has(lease)) return;
    const more = bytes - lease.bytes;
    this.#changeHeld(more);
    lease.bytes = bytes;
    lease.renew();
    this.#progressAt = Date.now();
    if (more < 0) this.#wake();
  }

  #mayGrow(lease: Lease, more: number): boolean {
    const [first] = this.#growing;
    if (first !== lease) return false;
    if (this.#hasRoomFor(more)) return true;
    if (this.#exceeding && this.#exceeding !== lease) return false;
    if (this.#account && !this.#account.hasRoomFor(more, true)) return false;
    this.#exceeding = lease;
    return true;
  }

  async #poll(waiter: symbol | Lease, isDone: () => boolean, afterPause: () => void): Promise<void> {
    const startedAt = Date.now();
    while (!isDone()) {
      const pausedAt = Date.now();
      // As long as others get their turn, that of this one comes nearer.
      const inVainMs = pausedAt - Math.max(startedAt, this.#progressAt);
      if (inVainMs >= this.#longestWaitMs || pausedAt - startedAt >= this.#longestQueueMs)
        throw this.#overloaded();
      await this.#pause(waiter);
      afterPause();
      const lateMs = Date.now() - pausedAt - POLL_MS;
      // Where this isolate was busy, no client of any budget could move.
      if (lateMs > BUSY_MS) this.#excuseAll(lateMs);
      else {
        this.#endStalled();
        this.#account?.endStalled();
      }
    }
  }

  /** @throws ServiceError `OVERLOADED` if the expected wait of this waiter, or of a new one, is longer than it may wait */
  #checkHope(leftMs: number, id?: symbol): void {
    if (this.#refusesHopeless && this.#estimatedWaitMs(id) > leftMs) throw this.#overloaded();
  }

  /** Until all that is held and waits before this waiter, or at all, has gone; others show how long they hold their room. */
  #estimatedWaitMs(id?: symbol): number {
    const now = Date.now();
    let byteMs = 0;
    for (const { bytes, since } of this.#leases)
      byteMs += bytes * Math.max(0, this.#meanLeaseMs - (now - since));
    for (const [other, { bytes }] of this.#queue) {
      if (other === id) break;
      byteMs += bytes * this.#meanLeaseMs;
    }
    return byteMs / this.#capacity;
  }

  #overloaded(): ServiceError {
    return new ServiceError('OVERLOADED', this.#refusal, {
      retryAfterSeconds: Math.min(60, this.#estimatedWaitMs() / 1000),
    });
  }

  #release(lease: Lease): void {
    if (!this.#leases.delete(lease)) return;
    this.#progressAt = Date.now();
    if (this.#exceeding === lease) this.#exceeding = undefined;
    this.#growing.delete(lease);
    this.#changeHeld(-lease.bytes);
    const heldMs = Date.now() - lease.since;
    this.#meanLeaseMs =
      this.#meanLeaseMs === 0 ? heldMs : this.#meanLeaseMs + (heldMs - this.#meanLeaseMs) / 16;
    this.#wake();
  }

  async #pause(waiter: symbol | Lease): Promise<void> {
    const woken = Promise.withResolvers<void>();
    const timer = setTimeout(woken.resolve, POLL_MS);
    this.#asleep.set(waiter, woken.resolve);
    try {
      await woken.promise;
    } finally {
      clearTimeout(timer);
      this.#asleep.delete(waiter);
    }
  }

  /** Those whose turn it may be now. */
  #wake(): void {
    let count = 0;
    for (const waiter of [...this.#growing, ...this.#queue.keys()]) {
      this.#asleep.get(waiter)?.();
      count += 1;
      if (count === WOKEN) return;
    }
  }

  #excuseAll(milliseconds: number): void {
    if (this.#account) this.#account.excuse(milliseconds);
    else this.excuse(milliseconds);
  }

  /** Time that the clients of all holders could not use. */
  excuse(milliseconds: number): void {
    for (const lease of this.#leases) lease.excuse(milliseconds);
  }

  #endStalled(): void {
    // As long as waiting callers get their turn, a client that does not move may only be waiting for its own.
    if (Date.now() - this.#progressAt >= NO_PROGRESS_MS) this.endStalled();
  }

  /** Ends holders whose clients are too slow; for when others wait in vain. */
  endStalled(): void {
    const now = Date.now();
    if (now - this.#checkedAt < STALLED_CHECK_MS) return;
    this.#checkedAt = now;
    for (const lease of this.#leases) {
      const isWorthIt = lease.bytes > this.#capacity * LEAST_SHARE;
      if (isWorthIt && lease.isStalledAt(now, this.#stalledMs)) lease.end();
    }
  }
}

class Lease implements MemoryLease {
  bytes: number;
  isEnded = false;
  #waitedMs = 0;
  #waitsSince: number | undefined;
  readonly since = Date.now();
  readonly #budget: Pick<MemoryLease, 'resize' | 'fit' | 'release'>;
  readonly #wanted: number;
  #renewedAt = this.since;
  #movedAt = this.since;
  #dependsOnClient = false;
  #clientSince = 0;
  #movedBytes = 0;

  constructor(bytes: number, wanted: number, budget: Pick<MemoryLease, 'resize' | 'fit' | 'release'>) {
    this.bytes = bytes;
    this.#wanted = wanted;
    this.#budget = budget;
  }

  resize(bytes: number): Promise<void> {
    return this.#budget.resize(bytes);
  }

  get waitedMs(): number {
    return this.#waitedMs + (this.#waitsSince === undefined ? 0 : Date.now() - this.#waitsSince);
  }

  beginWait(): void {
    this.renew();
    this.#waitsSince = this.#renewedAt;
  }

  endWait(): void {
    const { waitedMs } = this;
    const lastWaitMs = waitedMs - this.#waitedMs;
    this.#waitedMs = waitedMs;
    this.#waitsSince = undefined;
    this.excuse(lastWaitMs);
    this.renew();
  }

  fit(bytes: number): void {
    this.#budget.fit(bytes);
  }

  moved(bytes: number): void {
    this.renew();
    this.#movedAt = this.#renewedAt;
    if (!this.#dependsOnClient) this.#clientSince = this.#renewedAt;
    this.#dependsOnClient = true;
    this.#movedBytes += bytes;
  }

  settle(): void {
    this.renew();
    this.#dependsOnClient = false;
  }

  renew(): void {
    this.#renewedAt = Date.now();
  }

  /** What a client has announced but does not send must not delay other requests. */
  promisedAt(now: number): number {
    return now - this.#movedAt < SENDING_MS ? Math.max(this.bytes, this.#wanted) : this.bytes;
  }

  /** Time that its client could not use. */
  excuse(milliseconds: number): void {
    // The whole wait is excused when it ends.
    if (this.#waitsSince !== undefined) return;
    this.#movedAt += milliseconds;
    this.#clientSince += milliseconds;
  }

  isStalledAt(now: number, stalledMs: number): boolean {
    if (now - this.#renewedAt > LEASE_MS) return true;
    // While it waits for more room, it is not its client that is slow.
    if (!this.#dependsOnClient || this.#waitsSince !== undefined) return false;
    const elapsedMs = now - this.#clientSince;
    const leastRate = Math.max(LEAST_BYTES_PER_MS, this.bytes / LONGEST_TRANSFER_MS);
    const isSlow = elapsedMs > RATE_COUNTS_AFTER_MS && this.#movedBytes < elapsedMs * leastRate;
    return now - this.#movedAt > stalledMs || isSlow;
  }

  end(): void {
    this.isEnded = true;
    this.release();
  }

  /** Bound: it is handed on by itself. */
  readonly release = () => this.#budget.release();
}
