import { ServiceError } from '../../shared/contract/errors.ts';

/** Counts the requests in progress, so that a stop lets them finish and takes in no new ones. */
export class InFlight {
  #count = 0;
  #drained: PromiseWithResolvers<void> | undefined;

  get isStopping(): boolean {
    return this.#drained !== undefined;
  }

  /** @throws ServiceError `SERVICE_NOT_READY` once the service is stopping */
  enter(): void {
    if (this.isStopping) {
      throw new ServiceError('SERVICE_NOT_READY', 'The server is shutting down.', { retryAfterSeconds: 1 });
    }
    this.#count += 1;
  }

  /** Ends a request that has entered. */
  leave(): void {
    this.#count -= 1;
    if (this.#count === 0) this.#drained?.resolve();
  }

  /** From now on no request enters; resolves when all requests that had entered have left. */
  stop(): Promise<void> {
    this.#drained ??= Promise.withResolvers();
    if (this.#count === 0) this.#drained.resolve();
    return this.#drained.promise;
  }
}
