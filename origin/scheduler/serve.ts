import { parentPort, workerData } from 'node:worker_threads';
import { asServiceError } from '../../shared/contract/errors.ts';
import { freeAtOnce } from '../free-at-once.ts';
import type {
  CancellationFlag,
  ExtractionFailure,
  Task,
  TaskResult,
  ThreadData,
  ThreadMessage,
} from '../jobs/messages.ts';

/**
 * The thread's side of the messages: says that it is ready, then responds to every task with what `run` returns or
 * throws. To be called from a worker thread.
 */
export function serveTasks(run: (task: Task, cancelled: CancellationFlag) => Promise<TaskResult>): void {
  const { cancelled }: ThreadData = workerData;
  parentPort?.on('message', async (task: Task) => {
    try {
      const result = await run(task, cancelled);
      // Not after a failure: a decoder that was given up may still read them.
      freeAtOnce(task.bytes);
      post({ kind: 'done', result }, [result.payload.buffer]);
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
