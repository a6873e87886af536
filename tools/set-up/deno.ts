import { fromRoot } from '../project-root.ts';
import { reportDone } from './report.ts';
import { runCommand } from './run-command.ts';
import { SetUpError } from './set-up-error.ts';

/**
 * Deno's binary itself: the command in `.bin` is a script around it that does not pass on signals. In place once
 * {@link ensureDeno} has run.
 */
export const DENO_BINARY = fromRoot('node_modules', 'deno', 'deno');

/** Deno comes with the packages; its command puts the binary in place when it is first run, which this does. */
export async function ensureDeno(): Promise<void> {
  const { code, output } = await runCommand(fromRoot('node_modules', '.bin', 'deno'), ['--version'], {
    ...process.env,
    DENO_NO_UPDATE_CHECK: '1',
  });
  if (code !== 0) throw new SetUpError(`Deno does not run:\n${output}\nInstall it again with: npm install`);
  reportDone(`Deno ${/^deno (\S+)/.exec(output)?.[1]}`);
}
