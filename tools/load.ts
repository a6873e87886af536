/** `npm run load [-- arguments]`: everything the load test needs, then `bench/load-test/run.ts`. */
import { runInForeground } from './foreground.ts';
import { fromRoot } from './project-root.ts';
import { ensureNativeBuild } from './set-up/native-build.ts';
import { ensureOpenCv } from './set-up/opencv.ts';
import { ensureRedis } from './set-up/redis.ts';
import { setUp } from './set-up/set-up.ts';

await setUp(ensureOpenCv, ensureNativeBuild, ensureRedis);
process.exitCode = await runInForeground(process.execPath, [
  ...process.execArgv,
  fromRoot('bench', 'load-test', 'run.ts'),
  ...process.argv.slice(2),
]);
