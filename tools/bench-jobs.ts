/** `npm run bench:jobs [-- --throughput]`: NATS and the native engine, then `bench/jobs/run.ts`. */
import { runInForeground } from './foreground.ts';
import { fromRoot } from './project-root.ts';
import { ensureNativeBuild } from './set-up/native-build.ts';
import { ensureNats } from './set-up/nats.ts';
import { ensureOpenCv } from './set-up/opencv.ts';
import { setUp } from './set-up/set-up.ts';

await setUp(ensureOpenCv, ensureNativeBuild, ensureNats);
process.exitCode = await runInForeground(process.execPath, [
  ...process.execArgv,
  fromRoot('bench', 'jobs', 'run.ts'),
  ...process.argv.slice(2),
]);
