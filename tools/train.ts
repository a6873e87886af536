/** `npm run train -- --data FOLDER`: trains a vehicle model; docs/vehicle-models.md has the options. */
import { runLogged } from '../training/log.ts';
import { trainingOptions } from '../training/options.ts';
import { train } from '../training/train.ts';
import { ensureNativeBuild } from './set-up/native-build.ts';
import { ensureOpenCv } from './set-up/opencv.ts';
import { setUp } from './set-up/set-up.ts';

await setUp(ensureOpenCv, ensureNativeBuild);
await runLogged('logs/training.log', (log) => train(trainingOptions(process.argv.slice(2)), log));
