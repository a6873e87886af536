import { loadNativeAddon } from '../native/addon.ts';
import { extractFeatures } from './extract.ts';
import { runTask } from './run-task.ts';
import { serveTasks } from './serve.ts';
import { warmUpTask } from './warm-up.ts';

const addon = loadNativeAddon();
await extractFeatures(addon, await warmUpTask());
serveTasks((task) => runTask(addon, task));
