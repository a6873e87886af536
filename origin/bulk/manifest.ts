import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import * as z from 'zod';
import type { JobSource } from '../../shared/contract/jobs.ts';
import { parseJson } from '../../shared/features/safetensors.ts';
import { hasImageExtension } from '../../shared/image-header.ts';
import {
  asFolder,
  type Location,
  locationText,
  type ObjectLocation,
  parseLocation,
  parseObjectLocation,
} from '../storage/location.ts';
import { StorageError } from '../storage/storage.ts';
import type { Stores } from '../storage/stores.ts';
import { FILES } from './files.ts';
import type { ShardEntry } from './shard.ts';

/** A line of an NDJSON manifest. */
const lineSchema = z.strictObject({
  image: z.string(),
  version_id: z.string().max(1024).optional(),
  output: z.string().min(1).max(1024).optional(),
});

const LONGEST_SHOWN = 200;

/** The images of a job in a fixed order, and a problem for each line that names none. @throws StorageError */
export async function* entriesOf(
  source: JobSource,
  stores: Stores,
  signal: AbortSignal,
): AsyncGenerator<ShardEntry> {
  if (source.prefix !== undefined) yield* ofPrefix(parseObjectLocation(source.prefix), stores, signal);
  if (source.manifest !== undefined) yield* ofManifest(parseObjectLocation(source.manifest), stores, signal);
  for (const image of source.images ?? []) yield entryOf({ image });
}

async function* ofPrefix(
  location: ObjectLocation,
  stores: Stores,
  signal: AbortSignal,
): AsyncGenerator<ShardEntry> {
  const folder = asFolder(location);
  const storage = await stores.at(folder);
  for await (const key of storage.list(folder.key, signal)) {
    const name = key.slice(folder.key.length);
    const isOurs = name.split('/').includes(FILES);
    if (isOurs || !hasImageExtension(name)) continue;
    yield { image: locationText({ ...folder, key }), output: name };
  }
}

async function* ofManifest(
  location: ObjectLocation,
  stores: Stores,
  signal: AbortSignal,
): AsyncGenerator<ShardEntry> {
  const storage = await stores.at(location);
  const folder = locationText({ ...location, key: location.key.replace(/[^/]*$/, '') });
  const bytes = Readable.from(storage.read(location.key, signal));
  for await (const line of createInterface({ input: bytes, crlfDelay: Number.POSITIVE_INFINITY })) {
    const text = line.trim();
    if (text === '' || text.startsWith('#')) continue;
    yield entryOfLine(text, folder);
  }
}

function entryOfLine(text: string, folder: string): ShardEntry {
  if (!text.startsWith('{')) return entryOf({ image: text }, folder);
  const line = lineSchema.safeParse(parseJson(text));
  if (line.success) return entryOf(line.data, folder);
  return problemOf(text, 'The line is no JSON object with "image".');
}

/** A name without scheme and first slash is relative to the manifest's folder, and its result has that name. */
function entryOf({ image, version_id, output }: z.infer<typeof lineSchema>, folder?: string): ShardEntry {
  const isRelative = folder !== undefined && !/^(\/|[a-z][a-z0-9+.-]*:)/i.test(image);
  try {
    const location = parseLocation(isRelative ? folder + image : image);
    return {
      image: locationText(location),
      ...(version_id !== undefined && { version_id }),
      output: checkedName(output ?? (isRelative ? image : nameOf(location))),
    };
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    return problemOf(image, error.message);
  }
}

/** What a result is called after: bucket and key, path, or host and path. */
function nameOf(location: Location): string {
  if (location.kind === 'web') {
    const { hostname, pathname, search } = location.url;
    const query = search === '' ? '' : `-${createHash('sha256').update(search).digest('hex').slice(0, 12)}`;
    return `${hostname}${pathname}${query}`;
  }
  return location.kind === 's3' ? `${location.bucket}/${location.key}` : location.key;
}

/** @throws StorageError `invalid` for a name that leads out of the output, or into our own files */
function checkedName(name: string): string {
  const segments = name.split('/');
  if (segments[0] !== FILES && segments.every((segment) => !['', '.', '..'].includes(segment))) return name;
  throw new StorageError('invalid', `A result cannot have the name '${name.slice(0, LONGEST_SHOWN)}'.`);
}

function problemOf(line: string, problem: string): ShardEntry {
  return { line: line.slice(0, LONGEST_SHOWN), problem };
}
