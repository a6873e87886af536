interface Flight<Result> {
  waiters: number;
  readonly result: Promise<Result>;
  readonly everyoneLeft: AbortController;
}

/** Does the work of a key once for all simultaneous callers. */
export class SharedWork<Result> {
  readonly #flights = new Map<string, Flight<Result>>();

  /**
   * Starts `work`, or joins the same key's work that is not done yet, even if all its callers have left.
   *
   * @param signal aborts when this caller leaves: its promise rejects with the signal's reason, others wait on
   * @param work is given a signal that aborts when all callers have left, with the reason of the last one
   * @returns the result, and whether others had started the work
   * @throws the signal's reason when it has aborted already
   */
  run(
    key: string,
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<Result>,
  ): { joined: boolean; result: Promise<Result> } {
    signal.throwIfAborted();
    const running = this.#flights.get(key);
    const flight = running ?? this.#start(key, work);
    const result = this.#wait(flight, signal).catch((error) => {
      // Joined just as the work was given up for lack of callers.
      const givenUp = flight.everyoneLeft.signal.aborted && error === flight.everyoneLeft.signal.reason;
      if (givenUp && !signal.aborted) return this.run(key, signal, work).result;
      throw error;
    });
    return { joined: running !== undefined, result };
  }

  #start(key: string, work: (signal: AbortSignal) => Promise<Result>): Flight<Result> {
    const everyoneLeft = new AbortController();
    const result = work(everyoneLeft.signal).finally(() => this.#flights.delete(key));
    const flight = { waiters: 0, result, everyoneLeft };
    this.#flights.set(key, flight);
    return flight;
  }

  async #wait(flight: Flight<Result>, signal: AbortSignal): Promise<Result> {
    const left = Promise.withResolvers<never>();
    const leave = () => {
      flight.waiters -= 1;
      left.reject(signal.reason);
      if (flight.waiters === 0) flight.everyoneLeft.abort(signal.reason);
    };
    flight.waiters += 1;
    signal.addEventListener('abort', leave, { once: true });
    try {
      return await Promise.race([flight.result, left.promise]);
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }
}
