/** Weight of the newest job in the moving average: about the last ten jobs count. */
const NEWEST = 0.2;

/**
 * How fast a thread does one kind of work. Work and time are averaged apart, so that small jobs do not outweigh
 * large ones.
 */
export class Throughput {
  #work: number;
  #ms = 1;

  /** @param assumedPerMs taken before anything was measured */
  constructor(assumedPerMs: number) {
    this.#work = assumedPerMs;
  }

  record(work: number, ms: number): void {
    this.#work += NEWEST * (work - this.#work);
    this.#ms += NEWEST * (ms - this.#ms);
  }

  /** Milliseconds in which one thread does this much. */
  msFor(work: number): number {
    return (work * this.#ms) / this.#work;
  }
}
