/** `npm run bench:jobs [-- images]`: NATS and the native engine, then `bench/jobs.ts`. */
import { runInForeground } from './foreground.ts';
import { fromRoot } from './project-root.ts';
import { ensureNativeBuild } from './set-up/native-build.ts';
import { ensureNats } from './set-up/nats.ts';
import { ensureOpenCv } from './set-up/opencv.ts';
import { setUp } from './set-up/set-up.ts';

await setUp(ensureOpenCv, ensureNativeBuild, ensureNats);
process.exitCode = await runInForeground(process.execPath, [
  ...process.execArgv,
  fromRoot('bench', 'jobs.ts'),
  ...process.argv.slice(2),
]);
