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
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'CANCELLED') throw endedEarly(thrown);
    throw thrown;
  }
}

function endedEarly(cause?: unknown): ServiceError {
  return new ServiceError('SERVICE_TIMEOUT', 'The job was ended before it was done.', { cause });
}
