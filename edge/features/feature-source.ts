import { asServiceError, ServiceError } from '../../shared/contract/errors.ts';
import type { SiftParameters } from '../../shared/contract/parameters.ts';
import type { CacheTier } from '../../shared/contract/responses.ts';
import type { TraceContext } from '../../shared/contract/trace-context.ts';
import { type Extractor, extractorId } from '../../shared/extractor.ts';
import { featureKey } from '../../shared/feature-key.ts';
import { decodePayload, type FeatureMetadata, keyOf } from '../../shared/features/payload.ts';
import type { FeatureSummary } from '../../shared/records/feature-summary.ts';
import { logWarning } from '../observability/log.ts';
import type { Timing } from '../observability/timing.ts';
import { reachingRedis } from '../redis/reaching-redis.ts';
import { RedisUnavailable } from '../redis/redis-client.ts';
import { SingleFlight } from '../resilience/single-flight.ts';
import type { FeatureCache } from './cache/feature-cache.ts';
import type { CachedFeatures, CompleteFeatures } from './cached-features.ts';
import type { ExtractionJob, OriginClient } from './origin-client.ts';

export interface FeatureQuery {
  /** Lower-case hexadecimal SHA-256 of the image file. */
  sha256: string;
  parameters: SiftParameters;
  /** Whether the tensors are wanted or just the summary. */
  needsPayload: boolean;
  timing: Timing;
  /** Keeps the platform from ending work that nobody awaits. */
  keepAlive: (work: Promise<unknown>) => void;
}

export interface FeatureUpload extends FeatureQuery {
  bytes: Uint8Array<ArrayBuffer>;
  digest: Uint8Array;
  requestId: string;
  /** Whose job it is. */
  client: string;
  trace: TraceContext;
  /** Aborted when the client has gone. */
  signal: AbortSignal;
  /**
   * Called before what may have to be computed; the function that it gives, when that was not done.
   *
   * @throws the error that refuses the work
   */
  reserveWork: () => () => void;
  /** Called as soon as `bytes` are not needed any more. */
  releaseBytes: () => void;
}

export interface FoundFeatures extends CachedFeatures {
  /** Where it was found; null when it was computed for this request. */
  tier: CacheTier | null;
}

/** For how long the caches will keep it, in whole seconds. */
export function secondsLeft({ expiresAt }: FeatureSummary): number {
  return Math.max(0, Math.ceil((expiresAt - Date.now()) / 1000));
}

/** A payload may wait its turn before it is read. */
const LONGEST_LOOK_UP_MS = 25_000;

/** Features by the key of their image: from the cache, else from the origin. */
export class FeatureSource {
  readonly #cache: FeatureCache;
  readonly #origin: OriginClient;
  readonly #extractor: Extractor;
  readonly #ttlMs: number;
  readonly #longestWaitMs: number;
  readonly #flights: SingleFlight<FoundFeatures>;
  readonly #lookUps = new SingleFlight<FoundFeatures | undefined>(LONGEST_LOOK_UP_MS);

  constructor(options: {
    cache: FeatureCache;
    origin: OriginClient;
    extractor: Extractor;
    ttlSeconds: number;
    longestWaitMs: number;
  }) {
    this.#cache = options.cache;
    this.#origin = options.origin;
    this.#extractor = options.extractor;
    this.#ttlMs = options.ttlSeconds * 1000;
    this.#longestWaitMs = options.longestWaitMs;
    this.#flights = new SingleFlight(options.longestWaitMs);
  }

  /** Milliseconds after which {@link obtain} has settled. */
  get longestWaitMs(): number {
    return this.#longestWaitMs;
  }

  keyOf({ sha256, parameters }: Pick<FeatureQuery, 'sha256' | 'parameters'>): string {
    return featureKey(this.#extractor, parameters, sha256);
  }

  /** How many keypoints a result has, where this isolate remembers it. */
  knownCount(query: Pick<FeatureQuery, 'sha256' | 'parameters'>): number | undefined {
    return this.#cache.peek(this.keyOf(query), false)?.summary.count;
  }

  /** For how many seconds a result may be kept elsewhere: until this service forgets it, as far as it knows. */
  secondsLeft(query: Pick<FeatureQuery, 'sha256' | 'parameters'>): number {
    const near = this.#cache.peek(this.keyOf(query), false);
    return near ? secondsLeft(near.summary) : this.#ttlMs / 1000;
  }

  /**
   * What the cache has.
   *
   * @throws ServiceError `SERVICE_NOT_READY` when the shared cache is not reachable, and so may have it
   */
  async find(query: FeatureQuery): Promise<FoundFeatures | undefined> {
    const key = this.keyOf(query);
    const near = this.#cache.peek(key, query.needsPayload);
    if (near) return near;
    return reachingRedis(this.#lookUp(key, query));
  }

  /**
   * Those of the images whose features the cache has, in their order, by at most one round trip.
   *
   * @throws ServiceError `SERVICE_NOT_READY` when the shared cache is not reachable
   */
  async findCached(hashes: string[], parameters: SiftParameters, timing: Timing): Promise<string[]> {
    const keys = hashes.map((sha256) => this.keyOf({ sha256, parameters }));
    const found = await timing.measure('cache', () => reachingRedis(this.#cache.has(keys)));
    return hashes.filter((_, index) => found[index]);
  }

  /**
   * What the cache has, else what the origin computes and shares with all edges. Simultaneous uploads of
   * one image share one look-up and one extraction.
   *
   * @throws ServiceError what the origin says, `SERVICE_TIMEOUT`
   */
  async obtain(upload: FeatureUpload): Promise<FoundFeatures> {
    const key = this.keyOf(upload);
    const near = this.#cache.peek(key, upload.needsPayload);
    if (near) return near;
    const giveBack = upload.reserveWork();
    try {
      const found = await this.#obtainFar(key, upload);
      if (found.tier) giveBack();
      return found;
    } catch (error) {
      // What a client's own image makes fail has taken its work.
      if (asServiceError(error).status >= 500) giveBack();
      throw error;
    }
  }

  async #obtainFar(key: string, upload: FeatureUpload): Promise<FoundFeatures> {
    // The platform may end the request that does the work midway: a request that waits for it needs its own limit.
    const timeout = AbortSignal.timeout(this.#longestWaitMs);
    const caller = { signal: AbortSignal.any([upload.signal, timeout]), keepAlive: upload.keepAlive };
    // Redis can have the summary of a result without its payload, so requests for the one and the other do not share.
    const flight = upload.needsPayload ? `${key} with payload` : key;
    const isLeader = !this.#flights.has(flight);
    const run = () => this.#flights.run(flight, (signal) => this.#findOrExtract(key, upload, signal), caller);
    if (!isLeader) upload.releaseBytes();
    try {
      return isLeader ? await run() : await upload.timing.measure('origin', run);
    } catch (error) {
      if (!timeout.aborted) throw error;
      throw new ServiceError('SERVICE_TIMEOUT', 'The features were not ready in time.', { cause: error });
    }
  }

  /** Drops a result from this isolate's memory. */
  forget(key: string): void {
    this.#cache.forget(key);
  }

  /** Drops every result from this isolate's memory. */
  forgetAll(): void {
    this.#cache.forgetAll();
  }

  async #findOrExtract(key: string, upload: FeatureUpload, signal: AbortSignal): Promise<FoundFeatures> {
    return (await this.#findOrMiss(key, upload)) ?? this.#extract(key, upload, signal);
  }

  /** Without the shared cache every image is a miss. */
  async #findOrMiss(key: string, query: FeatureQuery): Promise<FoundFeatures | undefined> {
    try {
      return await this.#lookUp(key, query);
    } catch (error) {
      if (error instanceof RedisUnavailable) return undefined;
      throw error;
    }
  }

  /** Simultaneous look-ups of one payload share one, which is megabytes. */
  #lookUp(
    key: string,
    { needsPayload, timing, keepAlive }: FeatureQuery,
  ): Promise<FoundFeatures | undefined> {
    if (!needsPayload) return timing.measure('cache', () => this.#cache.get(key, false));
    // The platform may end the request that does the look-up: a request that shares it needs its own limit.
    const signal = AbortSignal.timeout(LONGEST_LOOK_UP_MS);
    return timing.measure('cache', () =>
      this.#lookUps
        .run(key, () => this.#cache.get(key, true), { signal, keepAlive })
        .catch((error) => {
          if (signal.aborted) throw new RedisUnavailable('the look-up took too long');
          throw error;
        }),
    );
  }

  async #extract(key: string, upload: FeatureUpload, signal: AbortSignal): Promise<FoundFeatures> {
    const job = { ...upload, signal, ttlSeconds: this.#ttlMs / 1000 };
    const features = await upload.timing.measure('origin', () =>
      upload.needsPayload ? this.#extractPayload(job) : this.#origin.extractSummary(job),
    );
    upload.timing.append(features.serverTiming);
    const { metadata } = features.summary;
    checkIsAskedFor(metadata, upload);
    if (keyOf(metadata) !== key) this.#warnOfOtherExtractor(metadata.extractor);
    this.#cache.remember(features);
    return { ...features, tier: null };
  }

  async #extractPayload(job: ExtractionJob): Promise<CompleteFeatures & { serverTiming: string }> {
    const { payload, serverTiming, release } = await this.#origin.extract(job);
    release();
    const { metadata, features } = readPayload(payload);
    const summary = { metadata, count: features.count, expiresAt: Date.now() + this.#ttlMs };
    return { summary, payload, serverTiming };
  }

  /** Results go under the key of what really made them: a mistaken setting costs hits, never correctness. */
  #warnOfOtherExtractor(actual: Extractor): void {
    logWarning('the origin has another extractor than EXTRACTOR says; its results are not found again', {
      configured: extractorId(this.#extractor),
      origin: extractorId(actual),
    });
  }
}

/**
 * A result of another image, or with other parameters, must reach neither the client nor the cache.
 *
 * @throws ServiceError `ORIGIN_UNAVAILABLE`
 */
function checkIsAskedFor({ image, parameters, extractor }: FeatureMetadata, upload: FeatureUpload): void {
  const asked = featureKey(extractor, upload.parameters, upload.sha256);
  const isAskedFor = featureKey(extractor, parameters, image.sha256) === asked;
  if (isAskedFor && image.bytes === upload.bytes.length) return;
  throw unusable('the payload is of another image, or of other parameters');
}

function unusable(cause: unknown): ServiceError {
  return new ServiceError('ORIGIN_UNAVAILABLE', 'The feature extractor returned an invalid response.', {
    cause,
  });
}

function readPayload(payload: Uint8Array<ArrayBuffer>) {
  try {
    return decodePayload(payload);
  } catch (error) {
    throw unusable(error);
  }
}
