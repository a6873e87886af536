/** Takes `memoryBytes` of the budget while it runs. */
export interface Queueable {
  readonly memoryBytes: number;
}

/** How many smaller jobs may overtake the first in line while the memory for it is not free. */
const MAX_OVERTAKING = 8;

/**
 * First in, first out, except that jobs that fit may overtake a first one that does not, at most
 * {@link MAX_OVERTAKING} times: then everything waits until enough memory has been given back for it. So threads
 * do not idle behind a large picture, and the large picture's turn comes.
 */
export class JobQueue<Job extends Queueable> {
  readonly #jobs: Job[] = [];
  #overtaken = 0;

  get length(): number {
    return this.#jobs.length;
  }

  /** The jobs that wait, in order. */
  [Symbol.iterator](): Iterator<Job> {
    return this.#jobs.values();
  }

  add(job: Job): void {
    this.#jobs.push(job);
  }

  /** Removes a job out of turn; false when it is not in the queue. */
  remove(job: Job): boolean {
    const index = this.#jobs.indexOf(job);
    if (index < 0) return false;
    this.#take(index);
    return true;
  }

  /** Removes and returns the job whose turn it is when `freeBytes` are free, if any. */
  next(freeBytes: number): Job | undefined {
    const index = this.#jobs.findIndex((job) => job.memoryBytes <= freeBytes);
    if (index < 0) return undefined;
    if (index > 0) {
      if (this.#overtaken >= MAX_OVERTAKING) return undefined;
      this.#overtaken += 1;
    }
    return this.#take(index);
  }

  #take(index: number): Job | undefined {
    if (index === 0) this.#overtaken = 0;
    return this.#jobs.splice(index, 1)[0];
  }
}
