import { spawn } from 'node:child_process';

export interface CommandResult {
  /** Exit code; 128 and more when a signal ended it, 127 when it could not be started. */
  readonly code: number;
  /** Standard output and standard error, in the order they were written. */
  readonly output: string;
}

/** Runs a program to its end and keeps what it writes, to be shown only if it fails. */
export function runCommand(
  program: string,
  parameters: readonly string[],
  environment: NodeJS.ProcessEnv = process.env,
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(program, parameters, { stdio: ['ignore', 'pipe', 'pipe'], env: environment });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', (error) => resolve({ code: 127, output: error.message }));
    child.on('close', (code) => resolve({ code: code ?? 128, output: Buffer.concat(chunks).toString() }));
  });
}
