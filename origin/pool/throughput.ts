/** Weight of the newest job in the moving average: about the last ten jobs count. */
const NEWEST = 0.2;

/** Before anything was measured: 5 Mpx/s with default parameters at 60 bytes per pixel, as our engine does. */
const ASSUMED_BYTES_PER_MS = 5_000 * 60;

/**
 * How fast a thread works, in bytes of pyramid per millisecond: the time of an extraction is proportional to the
 * memory it fills, whatever its parameters. Work and time are averaged apart, so that small jobs do not outweigh
 * large ones.
 */
export class Throughput {
  #bytes = ASSUMED_BYTES_PER_MS;
  #ms = 1;

  record(bytes: number, ms: number): void {
    this.#bytes += NEWEST * (bytes - this.#bytes);
    this.#ms += NEWEST * (ms - this.#ms);
  }

  /** Seconds in which `threads` threads do this much work. */
  secondsFor(bytes: number, threads: number): number {
    return (bytes * this.#ms) / this.#bytes / threads / 1000;
  }
}
