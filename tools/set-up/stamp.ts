import { createHash, type Hash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** A file that remembers from which inputs something was built. */
export class Stamp {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  matches(inputs: string): boolean {
    return existsSync(this.#file) && readFileSync(this.#file, 'utf8') === inputs;
  }

  /** To be called before building, so that a build which is interrupted is not taken for done. */
  clear(): void {
    rmSync(this.#file, { force: true });
  }

  write(inputs: string): void {
    mkdirSync(path.dirname(this.#file), { recursive: true });
    writeFileSync(this.#file, inputs);
  }
}

/** SHA-256 in hex over the names and contents of all files under a folder, and over further inputs. */
export function hashInputs(directory: string, ...further: readonly string[]): string {
  const hash = createHash('sha256').update(JSON.stringify(further));
  addDirectory(hash, directory, '');
  return hash.digest('hex');
}

function addDirectory(hash: Hash, root: string, relative: string): void {
  const entries = readdirSync(path.join(root, relative), { withFileTypes: true });
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const name = path.join(relative, entry.name);
    if (entry.isDirectory()) addDirectory(hash, root, name);
    if (entry.isFile()) addFile(hash, name, readFileSync(path.join(root, name)));
  }
}

/** Name and length go in first, so that moving bytes between files changes the hash. */
function addFile(hash: Hash, name: string, content: Buffer): void {
  hash.update(JSON.stringify([name, content.length])).update(content);
}
