import { spawn } from 'node:child_process';
import { Socket } from 'node:net';

/**
 * Makes sure that a process does not outlive this one, however this one ends: a guard waits at a pipe of ours,
 * which the system closes even after SIGKILL, and then kills the process.
 *
 * @returns to be called when the process has ended by itself, before its id may name another one
 */
export function killWithParent(pid: number): () => void {
  const guard = spawn('sh', ['-c', 'read -r line; kill -KILL "$1"', 'sh', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // In a group of its own, so that what kills our group does not kill the guard.
    detached: true,
  });
  guard.unref();
  if (guard.stdin instanceof Socket) guard.stdin.unref();
  return () => void guard.kill('SIGKILL');
}
