import type { NativeAddon } from '../native/addon.ts';
import { extractFeatures } from './extract.ts';
import { matchFeatures } from './match.ts';
import type { Task, TaskResult } from './messages.ts';

/** Does a task of either kind. Blocks the calling thread while the native code runs. */
export async function runTask(addon: NativeAddon, task: Task): Promise<TaskResult> {
  return task.kind === 'extract' ? extractFeatures(addon, task) : matchFeatures(addon, task);
}
