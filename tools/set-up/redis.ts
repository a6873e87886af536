import { findExecutable } from './executables.ts';
import { reportDone } from './report.ts';
import { SetUpError } from './set-up-error.ts';
import { installSystemPackages } from './system-packages.ts';

/** A real Redis for the tests, each of which starts its own on a free port. */
export async function ensureRedis(): Promise<void> {
  if (findRedis() === undefined) {
    await installSystemPackages({ purpose: 'Redis', apt: 'redis-server', dnf: 'redis', brew: 'redis' });
  }
  if (findRedis() === undefined) throw new SetUpError('still missing after installing: redis-server');
  reportDone('redis-server');
}

function findRedis(): string | undefined {
  return findExecutable('redis-server');
}
