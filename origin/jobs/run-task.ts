import { ServiceError } from '../../shared/contract/errors.ts';
import type { NativeAddon } from '../native/addon.ts';
import { loadClassifier, type VehicleClassifier } from '../vehicles/classifier.ts';
import type { Alias } from '../vehicles/registry.ts';
import { classifyVehicle } from './classify.ts';
import { extractFeatures } from './extract.ts';
import { matchFeatures } from './match.ts';
import type { CancellationFlag, Task, TaskResult, VehicleModelFiles } from './messages.ts';

/**
 * Does a task of any kind. Blocks the calling thread while the native code runs.
 *
 * @param vehicles gives the models, where there are some
 * @throws ServiceError of the task, `SERVICE_TIMEOUT` once `cancelled` is set, `SERVICE_NOT_READY` for a classification
 *   without a model
 */
export async function runTask(
  addon: NativeAddon,
  task: Task,
  cancelled?: CancellationFlag,
  vehicles?: (model: Alias) => Promise<VehicleClassifier>,
): Promise<TaskResult> {
  switch (task.kind) {
    case 'extract':
      return extractFeatures(addon, task, cancelled);
    case 'match':
      return matchFeatures(addon, task, cancelled);
    case 'classify':
      if (!vehicles) throw noModel();
      return classifyVehicle(addon, await vehicles(task.model), task, cancelled);
  }
}

/** Loads each model when it is needed for the first time: a thread that only extracts features has no use for its memory. */
export function lazyClassifiers(files: VehicleModelFiles): (model: Alias) => Promise<VehicleClassifier> {
  const loading = new Map<Alias, Promise<VehicleClassifier>>();
  return async (model) => {
    const file = files[model];
    if (file === undefined) throw noModel();
    const classifier = loading.get(model) ?? loadClassifier(file);
    loading.set(model, classifier);
    return classifier;
  };
}

function noModel(): ServiceError {
  return new ServiceError('SERVICE_NOT_READY', 'There is no vehicle model.');
}
