import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fromRoot } from './project-root.ts';

const FILE = fromRoot('build', 'local-secret');

/** A secret of this machine, for commands that have to agree on one where none is set. Only its owner can read it. */
export function localSecret(): string {
  if (!existsSync(FILE)) {
    mkdirSync(fromRoot('build'), { recursive: true });
    try {
      writeFileSync(FILE, randomBytes(32).toString('base64url'), { mode: 0o600, flag: 'wx' });
    } catch (error) {
      // Another command was faster.
      if (!existsSync(FILE)) throw error;
    }
  }
  return readFileSync(FILE, 'utf8').trim();
}
