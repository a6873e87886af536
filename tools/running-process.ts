import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { killWithParent } from './kill-with-parent.ts';
import { fromRoot } from './project-root.ts';

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface RunningProcess {
  readonly pid: number;
  /** Resolves when the process has ended, for any reason. */
  readonly exited: Promise<Exit>;
  /** Asks it to end, and ends it by force if it has not done so in time. */
  stop(): Promise<void>;
}

const STOP_TIMEOUT_MS = 5000;

/**
 * Starts a process that serves until it is stopped. It gets a process group of its own: Ctrl-C at the terminal
 * then reaches only us, and every process gets exactly one signal to end.
 *
 * @throws Error when the program cannot be started
 */
export async function startProcess(
  program: string,
  parameters: readonly string[],
  options: SpawnOptions,
): Promise<RunningProcess & { readonly child: ChildProcess }> {
  const child = spawn(program, parameters, { cwd: fromRoot(), detached: true, ...options });
  await once(child, 'spawn');
  const { pid } = child;
  if (pid === undefined) throw new Error(`${program} has no process id`);

  const release = killWithParent(pid);
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => {
      release();
      resolve({ code, signal });
    });
  });

  return {
    child,
    pid,
    exited,
    async stop() {
      child.kill('SIGTERM');
      const force = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
      await exited;
      clearTimeout(force);
    },
  };
}
