import { readFile, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { sha256Hex } from '../../../shared/sha256.ts';
import type { EdgesiftClient, ExtractionParameters } from '../../client.ts';
import { inGroups, inParallel } from '../../concurrency.ts';
import type { DetectParameters } from '../../contract.ts';
import { EdgesiftError } from '../../errors.ts';
import { concernsEveryImage } from '../concerns-every-image.ts';
import { fileErrorOf } from '../file-error.ts';
import type { ImageFileOnDisk } from '../image-files.ts';
import type { Pacer } from './pacer.ts';
import type { ImageOutcome } from './state-file.ts';
import type { Target } from './target.ts';

export interface BatchRun {
  client: EdgesiftClient;
  parameters: Omit<DetectParameters, 'format'>;
  target: Target;
  concurrency: number;
  pacer: Pacer;
  signal: AbortSignal;
}

/** Images that are hashed together, so that one request asks for all of them. */
const WINDOW = 256;

interface HashedImage {
  image: ImageFileOnDisk;
  size: number;
  modified_ms: number;
  sha256: string;
  /** False where the service certainly has not cached it. */
  mayBeCached: boolean;
}

/**
 * Extracts the features of many images and yields what became of each. Asks for the hashes of many at once, then sends
 * those that are not cached, a bounded number at a time. An image that fails stops no other.
 *
 * @throws ServiceUnreachable, the reason of the signal, or EdgesiftError for a refused API key or parameter
 */
export async function* runBatch(
  images: readonly ImageFileOnDisk[],
  options: BatchRun,
): AsyncGenerator<ImageOutcome> {
  const uploaded = new Set<string>();
  for await (const outcome of inParallel(hashAhead(images, options), options.concurrency, async (hashed) =>
    'status' in hashed ? hashed : extract(hashed, options, uploaded),
  )) {
    yield outcome;
  }
}

/** Hashes the next window while the images of this one are worked on. */
async function* hashAhead(
  images: readonly ImageFileOnDisk[],
  options: BatchRun,
): AsyncGenerator<HashedImage | ImageOutcome> {
  let current: Promise<(HashedImage | ImageOutcome)[]> | undefined;
  for await (const group of inGroups(images, WINDOW)) {
    const next = hashWindow(group, options);
    // Its failure is thrown where it is awaited, below.
    next.catch(() => undefined);
    if (current) yield* await current;
    current = next;
  }
  if (current) yield* await current;
}

async function hashWindow(
  images: readonly ImageFileOnDisk[],
  { client, parameters, pacer, signal }: BatchRun,
): Promise<(HashedImage | ImageOutcome)[]> {
  const results: (HashedImage | ImageOutcome)[] = [];
  for await (const result of inParallel(images, availableParallelism(), hashImage)) results.push(result);
  const hashes = results.flatMap((result) => ('status' in result ? [] : [result.sha256]));
  const { root_sift: _rootSift, include: _include, ...extraction } = parameters;
  const cached = await pacer.run(() => findCached(client, hashes, extraction, signal));
  for (const result of results) {
    if (!('status' in result)) result.mayBeCached = cached?.has(result.sha256) ?? true;
  }
  return results;
}

/** undefined where the service cannot tell: each image is then requested by itself. */
async function findCached(
  client: EdgesiftClient,
  hashes: readonly string[],
  parameters: ExtractionParameters,
  signal: AbortSignal,
): Promise<Set<string> | undefined> {
  try {
    return await client.exists(hashes, parameters, { signal });
  } catch (error) {
    if (error instanceof EdgesiftError && cannotTell(error)) return undefined;
    throw error;
  }
}

/** Without its Redis, as an earlier version, or by a fault of its own, which must not end the run. */
function cannotTell({ code }: EdgesiftError): boolean {
  return code === 'SERVICE_NOT_READY' || code === 'NOT_FOUND' || code === 'INTERNAL_SERVER_ERROR';
}

async function hashImage(image: ImageFileOnDisk): Promise<HashedImage | ImageOutcome> {
  try {
    const [{ size, mtimeMs }, bytes] = await Promise.all([stat(image.path), readFile(image.path)]);
    return {
      image,
      size,
      modified_ms: mtimeMs,
      sha256: await sha256Hex(new Uint8Array(bytes)),
      mayBeCached: true,
    };
  } catch (error) {
    return failure(image.name, error);
  }
}

async function extract(
  { image, size, modified_ms, sha256, mayBeCached }: HashedImage,
  { client, target, parameters, pacer, signal }: BatchRun,
  uploaded: Set<string>,
): Promise<ImageOutcome> {
  const found = { name: image.name, size, modified_ms, sha256 };
  const call = { signal };
  try {
    const file = await pacer.run(async () => {
      if (mayBeCached || uploaded.has(sha256)) {
        try {
          return await client.file(sha256, target.format, parameters, call);
        } catch (error) {
          if (!(error instanceof EdgesiftError) || error.code !== 'FEATURES_NOT_CACHED') throw error;
        }
      }
      const bytes = await readFile(image.path);
      return client.file(bytes, target.format, parameters, { ...call, hashFirst: false });
    });
    uploaded.add(sha256);
    const stored = await target.store(image.name, file);
    return { ...found, status: file.isCached ? 'cached' : 'computed', ...stored };
  } catch (error) {
    if (signal.aborted || concernsEveryImage(error)) throw error;
    return { ...found, ...failure(image.name, error) };
  }
}

/** @throws what is no failure of the image alone */
function failure(name: string, error: unknown): ImageOutcome {
  if (error instanceof EdgesiftError) {
    const { code, message, requestId } = error;
    return {
      name,
      status: 'failed',
      error_code: code,
      message,
      ...(requestId !== undefined && { request_id: requestId }),
    };
  }
  const fileError = fileErrorOf(error);
  if (fileError) return { name, status: 'failed', error_code: 'FILE_UNREADABLE', message: fileError.message };
  throw error;
}
