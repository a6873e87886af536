interface Flight<Result> {
  result: Promise<Result>;
  waiting: number;
  controller: AbortController;
  startedAt: number;
}

export interface Caller {
  /** Aborted when this caller gives up; its promise then rejects with the reason. */
  signal: AbortSignal;
  /** Keeps the platform from ending the work when the caller that began it leaves. */
  keepAlive: (work: Promise<unknown>) => void;
}

/**
 * Simultaneous calls for one key share one run of the work. It outlives the caller that began it as long as
 * somebody waits; when all have left, its signal is aborted.
 */
export class SingleFlight<Result> {
  readonly #longestMs: number;
  readonly #flights = new Map<string, Flight<Result>>();

  /** @param longestMs after which a run is not joined any more: the platform has ended it, and it will never settle */
  constructor(longestMs: number) {
    this.#longestMs = longestMs;
  }

  has(key: string): boolean {
    return this.#joinable(key) !== undefined;
  }

  /** @throws the error of the work, to every caller */
  async run(key: string, work: (signal: AbortSignal) => Promise<Result>, caller: Caller): Promise<Result> {
    const flight = this.#joinable(key) ?? this.#begin(key, work, caller.keepAlive);
    flight.waiting += 1;
    try {
      return await raceAbort(flight.result, caller.signal);
    } finally {
      flight.waiting -= 1;
      if (flight.waiting === 0 && this.#flights.get(key) === flight) this.#abandon(key, flight);
    }
  }

  #joinable(key: string): Flight<Result> | undefined {
    const flight = this.#flights.get(key);
    return flight && Date.now() - flight.startedAt < this.#longestMs ? flight : undefined;
  }

  #begin(
    key: string,
    work: (signal: AbortSignal) => Promise<Result>,
    keepAlive: Caller['keepAlive'],
  ): Flight<Result> {
    const controller = new AbortController();
    const result = work(controller.signal).finally(() => this.#remove(key, flight));
    const flight: Flight<Result> = { result, waiting: 0, controller, startedAt: Date.now() };
    this.#flights.set(key, flight);
    keepAlive(result.catch(() => undefined));
    return flight;
  }

  #abandon(key: string, flight: Flight<Result>): void {
    this.#flights.delete(key);
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
