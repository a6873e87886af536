import { ServiceError } from '../../shared/contract/errors.ts';
import type { ExtractionPool } from '../scheduler/pool.ts';

/** Bounds the bytes of all uploads in memory: being read, waiting, and in extraction. Refuses at once; no request waits. */
export class UploadMemory {
  readonly limit: number;
  #reserved = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  get reserved(): number {
    return this.#reserved;
  }

  /** @returns a function that gives the bytes back, once; undefined when there is not enough left */
  reserve(bytes: number): (() => void) | undefined {
    if (this.#reserved + bytes > this.limit) return undefined;
    this.#reserved += bytes;
    let held = true;
    return () => {
      if (held) this.#reserved -= bytes;
      held = false;
    };
  }
}

export function tooManyUploads(pool: ExtractionPool): ServiceError {
  return new ServiceError('OVERLOADED', 'Too many uploads are in progress.', {
    retryAfterSeconds: pool.estimatedWaitSeconds,
  });
}
