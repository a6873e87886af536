import { ServiceError } from '../../shared/contract/errors.ts';
import type { CancellationFlag } from './messages.ts';

/** @throws ServiceError `SERVICE_TIMEOUT` once the flag is set */
export function throwIfCancelled(cancelled: CancellationFlag | undefined): void {
  if (cancelled && Atomics.load(cancelled, 0) !== 0) throw endedEarly();
}

/** Runs native code that looks at a flag, whose own error for it becomes `SERVICE_TIMEOUT`. */
export function cancellable<Result>(run: () => Result): Result {
  try {
    return run();
  } catch (thrown) {
    throw isCancellation(thrown) ? endedEarly(thrown) : thrown;
  }
}

/** The same of work that a promise stands for. */
export async function cancellablePromise<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (thrown) {
    throw isCancellation(thrown) ? endedEarly(thrown) : thrown;
  }
}

function isCancellation(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'CANCELLED';
}

function endedEarly(cause?: unknown): ServiceError {
  return new ServiceError('SERVICE_TIMEOUT', 'The job was stopped before it was complete.', { cause });
}
