import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../client/command-line/main.ts', import.meta.url));

export interface CommandLineRun {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface StartedCommandLine {
  process: ChildProcess;
  ended: Promise<CommandLineRun>;
}

/** @param environment beside the address of the service, all that the command sees */
export function startCommandLine(
  url: string,
  parameters: readonly string[],
  environment: Record<string, string> = {},
): StartedCommandLine {
  const program = ['--disable-warning=ExperimentalWarning', MAIN, ...parameters];
  return start(url, process.execPath, program, environment);
}

/** `edgesift … | reader`, in a shell. */
export function pipeCommandLine(
  url: string,
  reader: string,
  ...parameters: string[]
): Promise<CommandLineRun> {
  return start(url, 'sh', ['-c', `"$0" "$@" | ${reader}`, process.execPath, MAIN, ...parameters]).ended;
}

function start(
  url: string,
  program: string,
  parameters: readonly string[],
  environment: Record<string, string> = {},
): StartedCommandLine {
  const child = spawn(program, parameters, {
    env: {
      PATH: process.env.PATH,
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
      EDGESIFT_URL: url,
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return { process: child, ended: end(child) };
}

async function end(child: ReturnType<typeof spawn>): Promise<CommandLineRun> {
  if (!child.stdout || !child.stderr) throw new Error('no pipes');
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code: child.exitCode, stdout, stderr };
}

export function runCommandLine(url: string, ...parameters: string[]): Promise<CommandLineRun> {
  return startCommandLine(url, parameters).ended;
}
