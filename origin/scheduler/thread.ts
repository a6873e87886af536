import { Worker } from 'node:worker_threads';
import { ServiceError } from '../../shared/contract/errors.ts';
import type { CancellationFlag, Task, TaskResult, ThreadData, ThreadMessage } from '../jobs/messages.ts';

/** A worker thread, which runs one task at a time. */
export class ExtractionThread {
  readonly #worker: Worker;
  readonly #cancelled: CancellationFlag = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  readonly #ready = Promise.withResolvers<void>();
  readonly #onEnd: (cause: Error) => void;
  #task: PromiseWithResolvers<TaskResult> | undefined;
  #error: unknown;

  /**
   * @param script entry module of the thread, which speaks {@link ThreadMessage}
   * @param onEnd called once when the thread has ended, before its task is rejected
   */
  constructor(script: URL, data: Omit<ThreadData, 'cancelled'>, onEnd: (cause: Error) => void) {
    this.#onEnd = onEnd;
    const workerData: ThreadData = { ...data, cancelled: this.#cancelled };
    this.#worker = new Worker(script, { workerData });
    this.#worker.on('message', (message: ThreadMessage) => this.#receive(message));
    this.#worker.on('error', (error) => {
      this.#error = error;
    });
    this.#worker.on('exit', (code) => this.#end(code));
  }

  /** Resolves when the thread has warmed up; rejects when it ended before that. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /**
   * Empties `task.bytes`: they are transferred.
   *
   * @throws ServiceError the task's own, or `INTERNAL_SERVER_ERROR` when the thread ends before it responds
   */
  run(task: Task): Promise<TaskResult> {
    this.#task = Promise.withResolvers();
    Atomics.store(this.#cancelled, 0, 0);
    this.#worker.postMessage(task, [task.bytes.buffer]);
    return this.#task.promise;
  }

  /** Makes the present task end early, by an error of its own or, if it is about to be done, its result. */
  cancel(): void {
    Atomics.store(this.#cancelled, 0, 1);
  }

  /** Resolves when the thread has ended: native code that runs is cancelled and waited for. */
  async terminate(): Promise<void> {
    this.cancel();
    await this.#worker.terminate();
  }

  #receive(message: ThreadMessage): void {
    switch (message.kind) {
      case 'ready':
        this.#ready.resolve();
        break;
      case 'done':
        this.#task?.resolve(message.result);
        break;
      case 'failed': {
        const { code, message: publicMessage, details, cause } = message.failure;
        this.#task?.reject(new ServiceError(code, publicMessage, { details, cause }));
        break;
      }
    }
  }

  #end(code: number): void {
    const cause = new Error(`A worker thread ended with code ${code}.`, { cause: this.#error });
    this.#onEnd(cause);
    this.#ready.reject(cause);
    this.#task?.reject(new ServiceError('INTERNAL_SERVER_ERROR', 'The extraction failed.', { cause }));
  }
}
