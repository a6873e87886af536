/** `npm run test:fast [-- filter…]`: the tests that need no server and no compiler. */
import { runInForeground } from './foreground.ts';

process.exitCode = await runInForeground('vitest', ['run', '--project', 'unit', ...process.argv.slice(2)]);
