import { randomUUID } from 'node:crypto';
import { constants, existsSync } from 'node:fs';
import {
  type FileHandle,
  link,
  mkdir,
  open,
  readdir,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { type GetOptions, type Storage, StorageError, tooLarge } from './storage.ts';

/** Files that are being written; a crash can leave them behind, and nothing ever reads them. */
const UNFINISHED = /^\.[0-9a-f-]{36}\.part$/;

/**
 * Files of this machine. A key is an absolute path without its first slash. Only what lies in one of the roots is
 * read or written, after symbolic links are followed; a listing does not follow them.
 *
 * Each call of the file system costs a change of threads, about 1 % of the time of an image: no more of them are made
 * than are necessary.
 */
export class FolderStorage implements Storage {
  readonly isDoneWithBytes = true;
  readonly #roots: readonly string[];
  /** Where the roots really are, as of the last look. */
  #realRoots: readonly string[] = [];

  /** @param roots absolute paths of folders */
  constructor(roots: readonly string[]) {
    this.#roots = roots.map((root) => path.resolve(root));
  }

  async *list(prefix: string, signal?: AbortSignal): AsyncGenerator<string> {
    const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    const directory = await this.#existing(folder.replace(/\/$/, ''));
    for await (const key of walk(directory, folder, signal)) {
      if (key.startsWith(prefix)) yield key;
    }
  }

  async get(key: string, { maxBytes, signal }: GetOptions): Promise<Uint8Array<ArrayBuffer>> {
    signal?.throwIfAborted();
    const file = await this.#existing(key);
    const bytes = await reaching(key, async () => {
      const { handle, size } = await openFile(file, key);
      try {
        if (size > maxBytes) throw tooLarge(`/${key}`, maxBytes);
        return await readWhole(handle, size);
      } finally {
        await handle.close();
      }
    });
    signal?.throwIfAborted();
    return bytes;
  }

  async *read(key: string, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    signal?.throwIfAborted();
    const file = await this.#existing(key);
    try {
      const { handle } = await openFile(file, key);
      yield* handle.createReadStream({ ...(signal && { signal }), highWaterMark: 256 * 1024 });
    } catch (error) {
      signal?.throwIfAborted();
      throw storageErrorOf(error, key);
    }
  }

  async exists(key: string): Promise<boolean> {
    try {
      const file = await this.#existing(key);
      return (await reaching(key, () => stat(file))).isFile();
    } catch (error) {
      if (error instanceof StorageError && error.failure === 'not_found') return false;
      throw error;
    }
  }

  async absent(): Promise<ReadonlySet<string>> {
    return new Set();
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

  /** @param name gives the finished file its name, in place of what has it: a link is replaced, not followed */
  async #write(
    key: string,
    bytes: Uint8Array,
    name: (unfinished: string, file: string) => Promise<void>,
  ): Promise<void> {
    const named = plainPath(key);
    const { real: folder } = await this.#locate(path.dirname(named), key);
    const unfinished = path.join(folder, `.${randomUUID()}.part`);
    await reaching(key, async () => {
      try {
        await writeInFolder(folder, unfinished, bytes);
        await name(unfinished, path.join(folder, path.basename(named)));
      } catch (error) {
        // What failed first is reported.
        await rm(unfinished, { force: true }).catch(() => undefined);
        throw error;
      }
    });
  }

  /** @throws StorageError `not_found`; `invalid` or `forbidden` for a key that is not in one of the roots */
  async #existing(key: string): Promise<string> {
    const { real, exists } = await this.#locate(plainPath(key), key);
    if (!exists) throw new StorageError('not_found', `/${key} does not exist.`);
    return real;
  }

  /** @throws StorageError `forbidden` for a path that is not in one of the roots */
  async #locate(file: string, key: string): Promise<RealPath> {
    const found = await realPathOf(file, key);
    if (this.#isInRoots(found.real)) return found;
    // A root may have been made or moved since the last look.
    const roots = await Promise.all(this.#roots.map((root) => realPathOf(root, key)));
    this.#realRoots = roots.map(({ real }) => real);
    if (this.#isInRoots(found.real)) return found;
    throw new StorageError('forbidden', `/${key} is not in a folder that jobs may use (JOBS_FOLDERS).`);
  }

  #isInRoots(real: string): boolean {
    return this.#realRoots.some((root) => isInside(real, root));
  }
}

/** @throws StorageError `invalid` */
function plainPath(key: string): string {
  const segments = key.split('/');
  if (key.includes('\0') || segments.some((segment) => segment === '..' || segment === '.')) {
    throw new StorageError('invalid', `/${key} is not a plain path.`);
  }
  return path.resolve('/', key);
}

/**
 * Does not wait, as opening a pipe without a writer otherwise does.
 *
 * @throws StorageError `invalid` for a folder or a pipe
 */
async function openFile(file: string, key: string): Promise<{ handle: FileHandle; size: number }> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw new StorageError('invalid', `/${key} is not a file.`);
    return { handle, size: stats.size };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function readWhole(handle: FileHandle, size: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(size);
  let length = 0;
  while (length < bytes.length) {
    const { bytesRead } = await handle.read(bytes, length);
    // The file has become shorter.
    if (bytesRead === 0) return bytes.slice(0, length);
    length += bytesRead;
  }
  return bytes;
}

/** Makes the folder where it is missing. */
async function writeInFolder(folder: string, file: string, bytes: Uint8Array): Promise<void> {
  // On the disk before it has its name: a crash of the machine must not leave an empty file under it.
  const write = () => writeFile(file, bytes, { flush: true });
  try {
    await write();
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTDIR') throw error;
    await mkdir(folder, { recursive: true });
    await write();
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

interface RealPath {
  real: string;
  exists: boolean;
}

/** Where a path really leads; for what does not exist yet, by the nearest folder that does. */
async function realPathOf(file: string, key: string): Promise<RealPath> {
  try {
    return { real: await realpath(file), exists: true };
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw storageErrorOf(error, key);
    const parent = path.dirname(file);
    if (parent === file) return { real: file, exists: false };
    const { real } = await realPathOf(parent, key);
    return { real: path.join(real, path.basename(file)), exists: false };
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
    // A socket.
    case 'ENXIO':
      return new StorageError('invalid', `/${key} cannot be the name of a file.`, options);
    case 'ENOSPC':
    case 'EDQUOT':
      return new StorageError('unavailable', `There is no space left for /${key}.`, options);
    default:
      return new StorageError('unavailable', `/${key} cannot be reached at the moment.`, options);
  }
}
