import { findExecutable } from './executables.ts';
import { reportDone } from './report.ts';
import { SetUpError } from './set-up-error.ts';
import { installSystemPackages } from './system-packages.ts';

/** Debian keeps some of them outside an ordinary user's PATH. */
const PROGRAMS: readonly (readonly [string, ...string[]])[] = [
  ['buildah'],
  ['debootstrap', '../sbin/debootstrap'],
  ['haproxy', '../sbin/haproxy'],
  ['ip', '../sbin/ip'],
];

/** What builds and runs container images without a container engine, and the programs that stand beside ours. */
export async function ensureContainerTools(): Promise<void> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    throw new SetUpError(
      'The tests of images need Linux, and root for network namespaces and changed roots.',
    );
  }
  if (missing().length > 0) {
    await installSystemPackages({
      purpose: 'tools for containers',
      apt: 'buildah debootstrap haproxy iproute2',
      dnf: 'buildah debootstrap haproxy iproute',
    });
  }
  if (missing().length > 0) throw new SetUpError(`still missing after installing: ${missing().join(', ')}`);
  reportDone('buildah, debootstrap, haproxy, ip');
}

function missing(): string[] {
  return PROGRAMS.filter((names) => findExecutable(...names) === undefined).map(([name]) => name);
}
