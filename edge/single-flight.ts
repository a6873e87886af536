interface Flight<Result> {
  result: Promise<Result>;
  waiting: number;
  controller: AbortController;
}

/**
 * Simultaneous calls for one key share one run of the work.
 *
 * The work outlives the caller that began it, as long as somebody waits: its promise goes to that caller's
 * `keepAlive`. When all have left, its signal is aborted.
 */
export class SingleFlight<Result> {
  readonly #flights = new Map<string, Flight<Result>>();

  has(key: string): boolean {
    return this.#flights.has(key);
  }

  /**
   * @param signal of this caller alone; once aborted the returned promise rejects with its reason
   * @throws whatever the work throws, to every caller
   */
  async run(
    key: string,
    work: (signal: AbortSignal) => Promise<Result>,
    options: { signal: AbortSignal; keepAlive: (work: Promise<unknown>) => void },
  ): Promise<Result> {
    const flight = this.#flights.get(key) ?? this.#begin(key, work, options.keepAlive);
    flight.waiting += 1;
    try {
      return await raceAbort(flight.result, options.signal);
    } finally {
      flight.waiting -= 1;
      if (flight.waiting === 0) this.#abandon(key, flight);
    }
  }

  #begin(
    key: string,
    work: (signal: AbortSignal) => Promise<Result>,
    keepAlive: (work: Promise<unknown>) => void,
  ): Flight<Result> {
    const controller = new AbortController();
    const result = work(controller.signal).finally(() => this.#remove(key, flight));
    const flight: Flight<Result> = { result, waiting: 0, controller };
    this.#flights.set(key, flight);
    keepAlive(result.catch(() => undefined));
    return flight;
  }

  #abandon(key: string, flight: Flight<Result>): void {
    this.#remove(key, flight);
    flight.controller.abort();
  }

  #remove(key: string, flight: Flight<Result>): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
  }
}

function raceAbort<Result>(result: Promise<Result>, signal: AbortSignal): Promise<Result> {
  if (signal.aborted) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    result.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
