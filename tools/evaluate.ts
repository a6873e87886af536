/** `npm run evaluate -- --data FOLDER`: how often a vehicle model is right; docs/vehicle-models.md has the options. */
import { evaluate, evaluationOptions } from '../training/evaluate.ts';
import { runLogged } from '../training/log.ts';
import { ensureNativeBuild } from './set-up/native-build.ts';
import { ensureOpenCv } from './set-up/opencv.ts';
import { setUp } from './set-up/set-up.ts';

await setUp(ensureOpenCv, ensureNativeBuild);
await runLogged('logs/evaluation.log', (log) => evaluate(evaluationOptions(process.argv.slice(2)), log));
