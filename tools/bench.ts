/** `npm run bench [-- arguments]`: everything the benchmarks need, then `bench/run.ts`. */
import { runInForeground } from './foreground.ts';
import { fromRoot } from './project-root.ts';
import { ensureNativeBuild } from './set-up/native-build.ts';
import { ensureOpenCv } from './set-up/opencv.ts';
import { ensurePeer } from './set-up/peer.ts';
import { ensureRedis } from './set-up/redis.ts';
import { setUp } from './set-up/set-up.ts';

await setUp(ensureOpenCv, ensureNativeBuild, ensureRedis, ensurePeer);
process.exitCode = await runInForeground(process.execPath, [
  ...process.execArgv,
  fromRoot('bench', 'run.ts'),
  ...process.argv.slice(2),
]);
