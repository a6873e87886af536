/** What the queue goes by. */
export interface Queueable {
  /** Of the budget, while the job runs. */
  readonly memoryBytes: number;
  /** For which client the job is done; all of unknown ones share a name. */
  readonly client: string;
  /** About how long it will run. */
  readonly estimatedMs: number;
  /** Whether it may only run beside smaller ones: such jobs do not get every thread. */
  readonly isLarge: boolean;
}

/** What there is room for. */
export interface Room {
  freeBytes: number;
  allowsLarge: boolean;
}

interface Waiting<Job> {
  readonly job: Job;
  /** Virtual time, in milliseconds of work, at which its turn comes. */
  readonly start: number;
  /** By how many jobs whose turn came later, while the memory for it was not free. */
  overtaken: number;
}

/** How many smaller jobs may overtake one while the memory for it is not free. */
const MAX_OVERTAKING = 8;
/** Clients whose past use is remembered; of more, all are forgotten. */
const MAX_CLIENTS = 4096;

/**
 * Fair between clients by start-time fair queueing (P. Goyal, H. Vin and H. Cheng, IEEE/ACM Transactions on Networking
 * 5(5), 1997): a job's turn comes when its client's earlier jobs have had theirs, at the latest when a client that just
 * came would have one. So the thousandth job of one client waits behind the first of another, and each gets about the
 * same time. Jobs of one client are first in, first out.
 *
 * Jobs that fit may overtake one that takes more memory than is free, at most {@link MAX_OVERTAKING} times: then all
 * later ones wait until enough memory has been given back for it. So threads do not idle behind a large image, and the
 * large image's turn comes.
 */
export class JobQueue<Job extends Queueable> {
  readonly #waiting: Waiting<Job>[] = [];
  /** When each client's last job would be done, in virtual time. */
  readonly #finished = new Map<string, number>();
  #virtualTime = 0;

  get length(): number {
    return this.#waiting.length;
  }

  /** The jobs that wait, in order. */
  *[Symbol.iterator](): Generator<Job> {
    for (const { job } of this.#waiting) yield job;
  }

  /** The jobs that would come before a new one of this client, in order. */
  *ahead(client: string): Generator<Job> {
    const start = this.#startFor(client);
    for (const waiting of this.#waiting) if (waiting.start <= start) yield waiting.job;
  }

  add(job: Job): void {
    const start = this.#startFor(job.client);
    if (this.#finished.size >= MAX_CLIENTS) this.#finished.clear();
    this.#finished.set(job.client, start + job.estimatedMs);
    const before = this.#waiting.findLastIndex((other) => other.start <= start);
    this.#waiting.splice(before + 1, 0, { job, start, overtaken: 0 });
  }

  #startFor(client: string): number {
    return Math.max(this.#virtualTime, this.#finished.get(client) ?? 0);
  }

  /** Removes a job out of turn; false when it is not in the queue. */
  remove(job: Job): boolean {
    const index = this.#waiting.findIndex((waiting) => waiting.job === job);
    if (index < 0) return false;
    this.#take(index);
    return true;
  }

  /**
   * Makes place for a job of this client: removes the last one of the client that has most waiting.
   *
   * @returns undefined when no other client would still have as many waiting as this one
   */
  displaceFor(client: string): Job | undefined {
    const counts = new Map<string, number>();
    for (const { job } of this.#waiting) counts.set(job.client, (counts.get(job.client) ?? 0) + 1);
    const own = counts.get(client) ?? 0;
    const [most, count] = [...counts].reduce((a, b) => (b[1] > a[1] ? b : a), ['', 0]);
    if (count <= own + 1) return undefined;
    return this.#take(this.#waiting.findLastIndex(({ job }) => job.client === most));
  }

  /** Removes and returns the job whose turn it is, if there is room for one. */
  next({ freeBytes, allowsLarge }: Room): Job | undefined {
    const skipped: Waiting<Job>[] = [];
    for (const [index, waiting] of this.#waiting.entries()) {
      if (waiting.job.isLarge && !allowsLarge) continue;
      if (waiting.job.memoryBytes <= freeBytes) {
        for (const other of skipped) other.overtaken += 1;
        this.#virtualTime = Math.max(this.#virtualTime, waiting.start);
        return this.#take(index);
      }
      if (waiting.overtaken >= MAX_OVERTAKING) return undefined;
      skipped.push(waiting);
    }
    return undefined;
  }

  #take(index: number): Job | undefined {
    const [taken] = this.#waiting.splice(index, 1);
    // In an empty queue no client has used more than others.
    if (this.#waiting.length === 0) this.#finished.clear();
    return taken?.job;
  }
}
