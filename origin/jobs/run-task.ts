import { ServiceError } from '../../shared/contract/errors.ts';
import type { NativeAddon } from '../native/addon.ts';
import { loadClassifier, type VehicleClassifier } from '../vehicles/classifier.ts';
import { classifyVehicle } from './classify.ts';
import { extractFeatures } from './extract.ts';
import { matchFeatures } from './match.ts';
import type { CancellationFlag, Task, TaskResult } from './messages.ts';

/**
 * Does a task of any kind. Blocks the calling thread while the native code runs.
 *
 * @param vehicles gives the model, where there is one
 * @throws ServiceError of the task, `SERVICE_TIMEOUT` once `cancelled` is set, `SERVICE_NOT_READY` for a classification
 *   without a model
 */
export async function runTask(
  addon: NativeAddon,
  task: Task,
  cancelled?: CancellationFlag,
  vehicles?: () => Promise<VehicleClassifier>,
): Promise<TaskResult> {
  switch (task.kind) {
    case 'extract':
      return extractFeatures(addon, task, cancelled);
    case 'match':
      return matchFeatures(addon, task, cancelled);
    case 'classify':
      if (!vehicles) throw new ServiceError('SERVICE_NOT_READY', 'There is no vehicle model.');
      return classifyVehicle(addon, await vehicles(), task, cancelled);
  }
}

/** Loads a model when it is needed for the first time: a thread that only extracts features has no use for its memory. */
export function lazyClassifier(file: string): () => Promise<VehicleClassifier> {
  let loading: Promise<VehicleClassifier> | undefined;
  return () => {
    loading ??= loadClassifier(file);
    return loading;
  };
}
