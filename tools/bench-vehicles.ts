/** `npm run bench:vehicles [-- arguments]`: the native engine and Redis, then `bench/vehicles/run.ts`. */
import { runInForeground } from './foreground.ts';
import { fromRoot } from './project-root.ts';
import { ensureNativeBuild } from './set-up/native-build.ts';
import { ensureOpenCv } from './set-up/opencv.ts';
import { ensureRedis } from './set-up/redis.ts';
import { setUp } from './set-up/set-up.ts';

await setUp(ensureOpenCv, ensureNativeBuild, ensureRedis);
process.exitCode = await runInForeground(process.execPath, [
  ...process.execArgv,
  fromRoot('bench', 'vehicles', 'run.ts'),
  ...process.argv.slice(2),
]);
