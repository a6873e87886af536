import { EdgesiftError } from '../../errors.ts';
import { sleep } from '../../transport/retry.ts';

/** The service has not been reached for longer than the run is patient. */
export class ServiceUnreachable extends Error {
  override readonly name = 'ServiceUnreachable';
}

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5000;
/** A request that fails so often, while others succeed, fails by its own fault. */
const MOST_ATTEMPTS = 8;
/** An image for which the service needs too long needs as long the next time. */
const MOST_TIMEOUTS = 2;

/**
 * Keeps many requests in step with the service. When one is refused for now, or gets no response, all pause: as long
 * as the service says, or longer each time. An outage fails no image: it ends the run when it outlasts its patience.
 */
export class Pacer {
  readonly #patienceMs: number;
  readonly #signal: AbortSignal;
  #resumeAt = 0;
  #failuresInARow = 0;
  #lastSuccess = Date.now();

  constructor(patienceMs: number, signal: AbortSignal) {
    this.#patienceMs = patienceMs;
    this.#signal = signal;
  }

  /**
   * @throws EdgesiftError for a failure that lasts, ServiceUnreachable, or the reason of the run's signal
   */
  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    const begun = Date.now();
    for (let attempt = 1; ; attempt += 1) {
      await this.#untilResumed();
      try {
        const result = await work();
        this.#succeeded();
        return result;
      } catch (error) {
        if (!(error instanceof EdgesiftError)) throw error;
        if (!error.isTransient) {
          this.#succeeded();
          throw error;
        }
        if (isTimeout(error) && attempt >= MOST_TIMEOUTS && this.#hasSucceededSince(begun)) throw error;
        if (attempt >= MOST_ATTEMPTS && !error.wasRefused && this.#hasSucceededSince(begun)) throw error;
        this.#pause(error);
      }
    }
  }

  /** A response of any kind shows that the service is there. */
  #succeeded(): void {
    this.#failuresInARow = 0;
    this.#lastSuccess = Date.now();
  }

  #hasSucceededSince(time: number): boolean {
    return this.#lastSuccess > time;
  }

  #pause(error: EdgesiftError): void {
    const now = Date.now();
    const until = now + (error.retryAfterMs ?? this.#nextPauseMs());
    if (until - this.#lastSuccess > this.#patienceMs) {
      throw new ServiceUnreachable(error.message, { cause: error });
    }
    this.#resumeAt = Math.max(this.#resumeAt, until);
  }

  #nextPauseMs(): number {
    const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failuresInARow);
    this.#failuresInARow += 1;
    return pause * (0.5 + Math.random() / 2);
  }

  async #untilResumed(): Promise<void> {
    this.#signal.throwIfAborted();
    for (let left = this.#left(); left > 0; left = this.#left()) await sleep(left, this.#signal);
  }

  #left(): number {
    return this.#resumeAt - Date.now();
  }
}

function isTimeout({ code }: EdgesiftError): boolean {
  return code === 'TIMED_OUT' || code === 'SERVICE_TIMEOUT';
}
