/** `npm run bench:sift [-- arguments]`: OpenCV, which our engine is measured against, then `bench/sift/bench.ts`. */
import { runInForeground } from './foreground.ts';
import { fromRoot } from './project-root.ts';
import { ensureOpenCv } from './set-up/opencv.ts';
import { setUp } from './set-up/set-up.ts';

await setUp(ensureOpenCv);
process.exitCode = await runInForeground(process.execPath, [
  ...process.execArgv,
  fromRoot('bench', 'sift', 'bench.ts'),
  ...process.argv.slice(2),
]);
