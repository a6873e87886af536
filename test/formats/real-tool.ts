import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Whether a program that reads a format is missing here; then says loudly what is not tested. */
export function toolMissing(what: string, command: string, ...args: string[]): boolean {
  if (spawnSync(command, args, { stdio: 'ignore' }).status === 0) return false;
  process.stderr.write(`SKIPPED, ${command} ${args.join(' ')} does not run here: ${what}\n`);
  return true;
}

/** @returns what the program wrote to standard output */
export function runTool(command: string, args: readonly string[], input = ''): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    input,
    encoding: 'utf8',
    // COLMAP is a Qt program even where it draws nothing.
    env: { ...process.env, QT_QPA_PLATFORM: 'offscreen' },
  });
  if (status !== 0) throw new Error(`${command} ended with ${status}: ${error ?? stdout + stderr}`);
  return stdout;
}

export function withFolder<Result>(work: (folder: string) => Result): Result {
  const folder = mkdtempSync(join(tmpdir(), 'edgesift-formats-'));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
