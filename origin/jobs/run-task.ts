import type { NativeAddon } from '../native/addon.ts';
import { extractFeatures } from './extract.ts';
import { matchFeatures } from './match.ts';
import type { CancellationFlag, Task, TaskResult } from './messages.ts';

/**
 * Does a task of either kind. Blocks the calling thread while the native code runs.
 *
 * @throws ServiceError of the task, `SERVICE_TIMEOUT` once `cancelled` is set
 */
export async function runTask(
  addon: NativeAddon,
  task: Task,
  cancelled?: CancellationFlag,
): Promise<TaskResult> {
  return task.kind === 'extract'
    ? extractFeatures(addon, task, cancelled)
    : matchFeatures(addon, task, cancelled);
}
