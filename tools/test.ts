/** `npm test [-- filter…]`: everything the tests need, then the tests. */
import { runInForeground } from './foreground.ts';
import { ensureChromium } from './set-up/chromium.ts';
import { ensureDeno } from './set-up/deno.ts';
import { ensureNativeBuild } from './set-up/native-build.ts';
import { ensureNats } from './set-up/nats.ts';
import { ensureOpenCv } from './set-up/opencv.ts';
import { ensureRedis } from './set-up/redis.ts';
import { setUp } from './set-up/set-up.ts';

await setUp(ensureOpenCv, ensureNativeBuild, ensureRedis, ensureNats, ensureDeno, ensureChromium);
process.exitCode = await runInForeground('vitest', ['run', ...process.argv.slice(2)]);
