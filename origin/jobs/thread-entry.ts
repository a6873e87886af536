import { workerData } from 'node:worker_threads';
import { loadNativeAddon } from '../native/addon.ts';
import { serveTasks } from '../scheduler/serve.ts';
import { extractFeatures } from './extract.ts';
import type { ThreadData } from './messages.ts';
import { lazyClassifiers, runTask } from './run-task.ts';
import { warmUpTask } from './warm-up.ts';

const { engine, vehicleModels = {} }: ThreadData = workerData;
const addon = loadNativeAddon(engine);
await extractFeatures(addon, await warmUpTask());
const vehicles = lazyClassifiers(vehicleModels);
serveTasks((task, cancelled) => runTask(addon, task, cancelled, vehicles));
