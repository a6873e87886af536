import { findExecutable } from './executables.ts';
import { reportDone } from './report.ts';
import { SetUpError } from './set-up-error.ts';
import { installSystemPackages } from './system-packages.ts';

/** A real NATS server, for bulk jobs and their tests, which start their own on a free port. */
export async function ensureNats(): Promise<void> {
  if (findExecutable('nats-server') === undefined) {
    await installSystemPackages({
      purpose: 'NATS server',
      apt: 'nats-server',
      dnf: 'nats-server',
      brew: 'nats-server',
    });
  }
  if (findExecutable('nats-server') === undefined) {
    throw new SetUpError('still missing after installing: nats-server');
  }
  reportDone('nats-server');
}
