import { randomUUID } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { link, mkdir, readdir, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { collect, type GetOptions, type Storage, StorageError, tooLarge } from './storage.ts';

/** Files that are being written; a crash can leave them behind, and nothing ever reads them. */
const UNFINISHED = /^\.[0-9a-f-]{36}\.part$/;

/**
 * Files of this machine. A key is an absolute path without its first slash. Only what lies in one of the roots is
 * read or written, after symbolic links are followed; a listing does not follow them.
 */
export class FolderStorage implements Storage {
  readonly #roots: readonly string[];

  /** @param roots absolute paths of folders */
  constructor(roots: readonly string[]) {
    this.#roots = roots.map((root) => path.resolve(root));
  }

  async *list(prefix: string, signal?: AbortSignal): AsyncGenerator<string> {
    const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    const directory = await this.#pathOf(folder.replace(/\/$/, ''));
    for await (const key of walk(directory, folder, signal)) {
      if (key.startsWith(prefix)) yield key;
    }
  }

  async get(key: string, { maxBytes, signal }: GetOptions): Promise<Uint8Array<ArrayBuffer>> {
    const file = await this.#pathOf(key);
    const { size } = await reaching(key, () => stat(file));
    if (size > maxBytes) throw tooLarge(`/${key}`, maxBytes);
    return collect(this.read(key, signal), maxBytes, `/${key}`);
  }

  async *read(key: string, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const file = await this.#pathOf(key);
    try {
      yield* createReadStream(file, { ...(signal && { signal }), highWaterMark: 256 * 1024 });
    } catch (error) {
      signal?.throwIfAborted();
      throw storageErrorOf(error, key);
    }
  }

  async exists(key: string): Promise<boolean> {
    try {
      const file = await this.#pathOf(key);
      return (await reaching(key, () => stat(file))).isFile();
    } catch (error) {
      if (error instanceof StorageError && error.failure === 'not_found') return false;
      throw error;
    }
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    await this.#write(key, bytes, rename);
  }

  async putNew(key: string, bytes: Uint8Array): Promise<boolean> {
    try {
      await this.#write(key, bytes, nameOnce);
      return true;
    } catch (error) {
      const isTaken = error instanceof StorageError && codeOf(error.cause) === 'EEXIST';
      // A file in the place of a folder is another failure with that code.
      if (isTaken && (await this.exists(key))) return false;
      throw error;
    }
  }

  /** @param name gives the finished file its name */
  async #write(
    key: string,
    bytes: Uint8Array,
    name: (unfinished: string, file: string) => Promise<void>,
  ): Promise<void> {
    const file = await this.#pathOf(key);
    const unfinished = path.join(path.dirname(file), `.${randomUUID()}.part`);
    await reaching(key, async () => {
      await mkdir(path.dirname(file), { recursive: true });
      try {
        // On the disk before it has its name: a crash of the machine must not leave an empty file under it.
        await writeFile(unfinished, bytes, { flush: true });
        await name(unfinished, file);
      } catch (error) {
        await rm(unfinished, { force: true });
        throw error;
      }
    });
  }

  /** @throws StorageError `invalid` or `forbidden` for a key that is not in one of the roots */
  async #pathOf(key: string): Promise<string> {
    const segments = key.split('/');
    if (key.includes('\0') || segments.some((segment) => segment === '..' || segment === '.')) {
      throw new StorageError('invalid', `/${key} is not a plain path.`);
    }
    const file = path.resolve('/', key);
    const real = await realPathOf(file, key);
    for (const root of this.#roots) {
      if (isInside(real, await realPathOf(root, key))) return file;
    }
    throw new StorageError('forbidden', `/${key} is not in a folder that jobs may use (JOBS_FOLDERS).`);
  }
}

/** @throws Error `EEXIST` where there is a file of this name */
async function nameOnce(unfinished: string, file: string): Promise<void> {
  try {
    await link(unfinished, file);
    await rm(unfinished);
  } catch (error) {
    const isImpossible = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(String(codeOf(error)));
    if (!isImpossible) throw error;
    // A file system without links: what remains is the short time since this look.
    if (existsSync(file)) throw Object.assign(new Error(`${file} exists`), { code: 'EEXIST' });
    await rename(unfinished, file);
  }
}

/** Where a path really leads; for what does not exist yet, by the nearest folder that does. */
async function realPathOf(file: string, key: string): Promise<string> {
  try {
    return await realpath(file);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw storageErrorOf(error, key);
    const parent = path.dirname(file);
    return parent === file ? file : path.join(await realPathOf(parent, key), path.basename(file));
  }
}

function isInside(file: string, root: string): boolean {
  return file === root || file.startsWith(root.endsWith('/') ? root : `${root}/`);
}

async function* walk(directory: string, folder: string, signal?: AbortSignal): AsyncGenerator<string> {
  signal?.throwIfAborted();
  const entries = await reaching(folder, () => readdir(directory, { withFileTypes: true }));
  for (const entry of entries.toSorted((one, other) => (one.name < other.name ? -1 : 1))) {
    if (entry.isDirectory()) {
      yield* walk(path.join(directory, entry.name), `${folder}${entry.name}/`, signal);
    }
    if (entry.isFile() && !UNFINISHED.test(entry.name)) yield folder + entry.name;
  }
}

async function reaching<Result>(key: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw storageErrorOf(error, key);
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

function storageErrorOf(error: unknown, key: string): StorageError {
  if (error instanceof StorageError) return error;
  const options = { cause: error };
  switch (codeOf(error)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new StorageError('not_found', `/${key} does not exist.`, options);
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new StorageError('forbidden', `/${key} cannot be accessed.`, options);
    case 'EISDIR':
    case 'EEXIST':
    case 'ENAMETOOLONG':
    case 'ELOOP':
      return new StorageError('invalid', `/${key} cannot be the name of a file.`, options);
    case 'ENOSPC':
    case 'EDQUOT':
      return new StorageError('unavailable', `There is no space left for /${key}.`, options);
    default:
      return new StorageError('unavailable', `/${key} cannot be reached at the moment.`, options);
  }
}
