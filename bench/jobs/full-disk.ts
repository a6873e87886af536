import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';

/** Runs a command with mounts of its own, which the rest of the machine does not see. */
export const OWN_MOUNTS = ['unshare', '--mount'] as const;

/** Whether this user may mount. */
export function canMount(): boolean {
  return spawnSync('unshare', ['--mount', 'true']).status === 0;
}

/**
 * Fills the disk of one worker: where it writes results it sees a small file system without any space, while it shares
 * the files of the jobs with all others.
 *
 * @param pid of a process that was started by {@link OWN_MOUNTS}
 * @returns makes space again
 */
export function fillDisk(pid: number, output: string, folder: string): () => void {
  const prepared = path.join(folder, 'full');
  mkdirSync(prepared, { recursive: true });
  const files = path.join(output, '_edgesift');
  const inside = (script: string) =>
    execFileSync(
      'nsenter',
      ['--mount', `--target=${pid}`, 'sh', '-ec', script, 'sh', output, files, prepared],
      {
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    );
  // It is full before the worker sees it: a result that still had space would be lost with it.
  inside(`
    mount -t tmpfs -o size=16k edgesift-full "$3"
    mkdir "$3/_edgesift"
    head -c 64k /dev/zero > "$3/ballast" 2> /dev/null || true
    mount --bind "$2" "$3/_edgesift"
    mount --move "$3" "$1"
  `);
  return () => inside('umount --lazy "$1"');
}
