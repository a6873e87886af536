import { Worker } from 'node:worker_threads';
import '../origin/decode/restrict-libvips.ts';
import type { Task, TaskResult, WorkerSettings } from './worker.ts';

interface Reply {
  id: number;
  result?: TaskResult;
  failure?: string;
}

/**
 * Runs tasks on `threads` worker threads; results come in the order of the tasks.
 *
 * @param each takes one result; the next ones wait for it, so that memory stays bounded
 * @throws Error for the first task that failed
 */
export async function runTasks(
  tasks: readonly Task[],
  settings: WorkerSettings,
  threads: number,
  each: (result: TaskResult, index: number) => void | Promise<void>,
): Promise<void> {
  const workers = Array.from(
    { length: Math.min(threads, tasks.length) },
    () => new Worker(new URL('./worker.ts', import.meta.url), { workerData: settings }),
  );
  try {
    const pending = new Map<number, Promise<TaskResult>>();
    const ahead = workers.length * 4;
    let next = 0;
    const post = () => {
      const task = tasks[next];
      const worker = workers[next % workers.length];
      if (task && worker) pending.set(next, ask(worker, next, task));
      next++;
    };
    while (next < Math.min(ahead, tasks.length)) post();
    for (let index = 0; index < tasks.length; index++) {
      const result = await pending.get(index);
      pending.delete(index);
      if (next < tasks.length) post();
      if (result) await each(result, index);
    }
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

function ask(worker: Worker, id: number, task: Task): Promise<TaskResult> {
  const reply = new Promise<TaskResult>((resolve, reject) => {
    const onMessage = (message: Reply) => {
      if (message.id !== id) return;
      stop();
      if (message.result) resolve(message.result);
      else reject(new Error(message.failure ?? 'a task failed'));
    };
    const onError = (error: Error) => {
      stop();
      reject(error);
    };
    const stop = () => {
      worker.off('message', onMessage);
      worker.off('error', onError);
    };
    worker.on('message', onMessage);
    worker.on('error', onError);
    worker.setMaxListeners(64);
    worker.postMessage({ id, task });
  });
  // A later caller gets the failure; until then it is not unhandled.
  reply.catch(() => undefined);
  return reply;
}
