import { createHash } from 'node:crypto';
import { asServiceError, type ErrorCode, ServiceError, statusOf } from '../../shared/contract/errors.ts';
import type { JobRequest } from '../../shared/contract/jobs.ts';
import type { ImageLimits } from '../../shared/contract/limits.ts';
import { parseSiftParameters, type SiftParameters } from '../../shared/contract/parameters.ts';
import type { Extractor } from '../../shared/extractor.ts';
import { featureKey } from '../../shared/feature-key.ts';
import { FEATURE_FILES, type FileFormat } from '../../shared/features/files.ts';
import { decodePayload, keyOf } from '../../shared/features/payload.ts';
import { SafetensorsError } from '../../shared/features/safetensors.ts';
import { readImageHeader } from '../../shared/image-header.ts';
import type { RecordReader } from '../cache/record-reader.ts';
import { freeAtOnce } from '../free-at-once.ts';
import { type ArrivedImage, checkExtraction, extractionJob } from '../jobs/extraction-job.ts';
import type { SiftEngine } from '../native/addon.ts';
import type { ExtractionPool } from '../scheduler/pool.ts';
import { inside, locationText, type ObjectLocation, parseLocation } from '../storage/location.ts';
import { type Storage, StorageError, type StorageFailure } from '../storage/storage.ts';
import type { Stores } from '../storage/stores.ts';
import type { Web } from '../storage/web.ts';
import type { Failure, Outcome, Success } from './report.ts';
import type { ImageEntry, ShardEntry } from './shard.ts';

/** What the images of one job have in common. */
export interface ImageJobPlan {
  output: ObjectLocation;
  parameters: SiftParameters;
  rootSift: boolean;
  /** Beside safetensors. */
  formats: readonly FileFormat[];
}

/** What the images of one shard have in common. */
export interface ImageShardPlan extends ImageJobPlan {
  /** Keys of results that are surely not there. */
  absent: ReadonlySet<string>;
}

export interface ImageJobDependencies {
  stores: Stores;
  web: Web;
  pool: ExtractionPool;
  extractor: Extractor;
  engine: SiftEngine;
  limits: ImageLimits;
  /** Results of edges and origins, where there is a Redis for them. */
  cache?: Pick<RecordReader, 'payload'> | undefined;
}

/** The storage itself is in trouble, not the image: the shard has to wait. */
export class StorageInTrouble extends Error {
  override readonly name = 'StorageInTrouble';
}

/** Bytes of a stored result, text of the largest one in any format included. */
const MAX_RESULT_BYTES = 1024 * 1024 * 1024;
const WEB_ATTEMPTS = 3;
/** Whose jobs these are where the threads are shared. */
const BULK_CLIENT = 'bulk';

export function imageJobPlan({ parameters, formats }: JobRequest, output: ObjectLocation): ImageJobPlan {
  const { root_sift, ...extraction } = parameters;
  const pairs = Object.entries(extraction).map(([name, value]): [string, string] => [name, String(value)]);
  return {
    output,
    parameters: parseSiftParameters(pairs),
    rootSift: root_sift,
    formats: [...new Set(formats)].filter((format) => format !== 'safetensors'),
  };
}

/** Looks for the results of a shard with few requests, where the storage can; each of the others is looked up for itself. */
export async function imageShardPlan(
  entries: readonly ShardEntry[],
  plan: ImageJobPlan,
  { stores }: Pick<ImageJobDependencies, 'stores'>,
): Promise<ImageShardPlan> {
  const storage = await stores.at(plan.output);
  const keys = entries.flatMap((entry) => ('image' in entry ? [resultOf(entry, plan).key] : []));
  return { ...plan, absent: await storage.absent(keys) };
}

function resultOf({ output }: ImageEntry, plan: ImageJobPlan): ObjectLocation {
  return inside(plan.output, `${output}.safetensors`);
}

/**
 * Makes the results of one image: fetches it, extracts its features unless they are there already or in the cache, and
 * writes them. The safetensors file comes last, since it is what says that an image is done.
 *
 * @throws StorageInTrouble; the signal's reason
 */
export async function extractImage(
  entry: ImageEntry,
  plan: ImageShardPlan,
  dependencies: ImageJobDependencies,
  signal: AbortSignal,
): Promise<Outcome> {
  try {
    const image = await fetchImage(entry, dependencies, signal);
    checkExtraction(image.header, plan.parameters, dependencies.limits);
    return await writeResults(entry, image, plan, dependencies, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof StorageInTrouble) throw error;
    return failureOf(error);
  }
}

async function fetchImage(
  { image, version_id: versionId }: ImageEntry,
  { stores, web, limits }: ImageJobDependencies,
  signal: AbortSignal,
): Promise<ArrivedImage> {
  const location = parseLocation(image);
  const maxBytes = limits.maxBytes;
  const bytes =
    location.kind === 'web'
      ? await fetchFromWeb(web, location.url, maxBytes, signal)
      : await reachingStorage(async () => {
          const storage = await stores.at(location);
          return storage.get(location.key, { maxBytes, versionId, signal });
        });
  return {
    bytes,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    header: readImageHeader(bytes),
  };
}

async function fetchFromWeb(
  web: Web,
  url: URL,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await web.getImage(url, maxBytes, signal);
    } catch (error) {
      const mayPass = error instanceof StorageError && error.failure === 'unavailable';
      if (!mayPass || attempt === WEB_ATTEMPTS) throw error;
    }
  }
}

async function writeResults(
  entry: ImageEntry,
  image: ArrivedImage,
  plan: ImageShardPlan,
  dependencies: ImageJobDependencies,
  signal: AbortSignal,
): Promise<Success> {
  const { stores, extractor, cache } = dependencies;
  const location = resultOf(entry, plan);
  const storage = await stores.at(location);
  const key = featureKey(extractor, plan.parameters, image.sha256);
  const stored = plan.absent.has(location.key)
    ? undefined
    : await reachingStorage(() => storedResult(storage, location.key, key, signal));
  const cached = stored ?? (await cachedResult(cache, key));
  const { payload, keypoints } = cached ?? (await extract(image, plan, dependencies, signal));
  for (const format of plan.formats) {
    const file = FEATURE_FILES[format];
    const bytes = whole(file.write(payload, { rootSift: plan.rootSift && file.hasRootSift }));
    const target = inside(plan.output, `${entry.output}.${file.extension}`);
    await reachingStorage(() => storage.put(target.key, bytes, file.mediaTypes[0]));
  }
  if (!stored) {
    const [mediaType] = FEATURE_FILES.safetensors.mediaTypes;
    await reachingStorage(() => storage.put(location.key, payload, mediaType));
  }
  // What was computed has a buffer of its own.
  if (!cached && storage.isDoneWithBytes) freeAtOnce(payload);
  return {
    status: 'succeeded',
    output: locationText(location),
    sha256: image.sha256,
    keypoints,
    cached: cached !== undefined,
  };
}

/** The features of an image. */
interface Result {
  /** The safetensors file. */
  payload: Uint8Array<ArrayBuffer>;
  keypoints: number;
}

async function extract(
  image: ArrivedImage,
  { parameters }: ImageJobPlan,
  dependencies: ImageJobDependencies,
  signal: AbortSignal,
): Promise<Result> {
  const { task, cost } = extractionJob(image, parameters, dependencies);
  const result = await dependencies.pool.run(task, cost, { signal, client: BULK_CLIENT });
  if (result.kind !== 'extracted') throw new TypeError('an extraction gave another result');
  return { payload: result.payload, keypoints: result.count };
}

async function cachedResult(cache: ImageJobDependencies['cache'], key: string): Promise<Result | undefined> {
  const payload = await cache?.payload(key);
  return payload && { payload, keypoints: decodePayload(payload).features.count };
}

/** The result that is there already; undefined for none, one of another key, and a damaged one. */
async function storedResult(
  storage: Storage,
  name: string,
  key: string,
  signal: AbortSignal,
): Promise<Result | undefined> {
  try {
    const payload = await storage.get(name, { maxBytes: MAX_RESULT_BYTES, signal });
    const { metadata, features } = decodePayload(payload);
    return keyOf(metadata) === key ? { payload, keypoints: features.count } : undefined;
  } catch (error) {
    if (error instanceof SafetensorsError) return undefined;
    if (error instanceof StorageError && error.failure === 'not_found') return undefined;
    throw error;
  }
}

function whole(file: Uint8Array<ArrayBuffer> | Iterable<Uint8Array>): Uint8Array {
  return file instanceof Uint8Array ? file : Buffer.concat([...file]);
}

/** What fails here may pass, but not soon: the client of the storage has tried again already. */
async function reachingStorage<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof StorageError && error.failure === 'unavailable')) throw error;
    throw new StorageInTrouble(error.message, { cause: error });
  }
}

const CODES: Record<Exclude<StorageFailure, 'unavailable'>, ErrorCode> = {
  not_found: 'NOT_FOUND',
  forbidden: 'FORBIDDEN',
  too_large: 'IMAGE_TOO_LARGE',
  invalid: 'INVALID_PARAMETER',
};

function failureOf(error: unknown): Failure {
  if (error instanceof StorageError && error.failure === 'unavailable') {
    return { status: 'failed', code: 'SOURCE_UNAVAILABLE', httpStatus: 502, message: error.message };
  }
  const { code, message } =
    error instanceof StorageError
      ? new ServiceError(CODES[error.failure === 'unavailable' ? 'not_found' : error.failure], error.message)
      : asServiceError(error);
  return { status: 'failed', code, httpStatus: statusOf(code), message };
}
