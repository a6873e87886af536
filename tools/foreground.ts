import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { fromRoot } from './project-root.ts';

/** Signals that end a program, and that we therefore pass on to the one we started. */
const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Runs a program on our terminal, from the project's folder, and passes signals on; gives its exit code. */
export function runInForeground(
  program: string,
  parameters: readonly string[],
  environment: NodeJS.ProcessEnv = process.env,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, parameters, { cwd: fromRoot(), stdio: 'inherit', env: environment });
    const forward = (signal: NodeJS.Signals) => child.kill(signal);
    for (const signal of ENDING_SIGNALS) process.on(signal, forward);
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      for (const ending of ENDING_SIGNALS) process.off(ending, forward);
      resolve(code ?? 128 + constants.signals[signal ?? 'SIGTERM']);
    });
  });
}
