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
  const kept = path.join(folder, 'kept');
  mkdirSync(kept, { recursive: true });
  const files = path.join(output, '_edgesift');
  const inside = (script: string) =>
    execFileSync('nsenter', ['--mount', `--target=${pid}`, 'sh', '-ec', script, 'sh', output, files, kept], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  inside(`
    mount --bind "$2" "$3"
    mount -t tmpfs -o size=16k edgesift-full "$1"
    mkdir "$2"
    mount --bind "$3" "$2"
    head -c 64k /dev/zero > "$1/ballast" 2> /dev/null || true
  `);
  return () => inside('umount "$2"; umount --lazy "$1"; umount "$3"');
}
