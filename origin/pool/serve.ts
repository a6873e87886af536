import { parentPort } from 'node:worker_threads';
import { asServiceError } from '../../shared/contract/errors.ts';
import type { ExtractionFailure, ExtractionResult, ExtractionTask, ThreadMessage } from './messages.ts';

/**
 * The thread's side of the messages: says that it is ready, then answers every task with what `extract` returns or
 * throws. To be called from a worker thread.
 */
export function serveTasks(extract: (task: ExtractionTask) => Promise<ExtractionResult>): void {
  parentPort?.on('message', async (task: ExtractionTask) => {
    try {
      const result = await extract(task);
      post({ kind: 'extracted', result }, [result.payload.buffer]);
    } catch (thrown) {
      post({ kind: 'failed', failure: failureOf(thrown) });
    }
  });
  post({ kind: 'ready' });
}

function post(message: ThreadMessage, transfer: ArrayBuffer[] = []): void {
  parentPort?.postMessage(message, transfer);
}

function failureOf(thrown: unknown): ExtractionFailure {
  const { code, message, details, cause } = asServiceError(thrown);
  // Errors survive cloning, other values might not.
  return { code, message, details, cause: cause instanceof Error ? cause : String(cause) };
}
