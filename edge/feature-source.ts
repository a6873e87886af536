import type { CacheTier } from '../shared/contract/answers.ts';
import { ServiceError } from '../shared/contract/errors.ts';
import type { SiftParameters } from '../shared/contract/parameters.ts';
import { type Extractor, extractorId } from '../shared/extractor.ts';
import { featureKey } from '../shared/feature-key.ts';
import { decodePayload, keyOf } from '../shared/features/payload.ts';
import type { FeatureCache } from './cache/feature-cache.ts';
import type { CachedFeatures, CompleteFeatures } from './features.ts';
import { logWarning } from './log.ts';
import type { OriginClient } from './origin-client.ts';
import { SingleFlight } from './single-flight.ts';
import type { Timing } from './timing.ts';

export interface FeatureQuery {
  /** Lower-case hexadecimal SHA-256 of the image file. */
  sha256: string;
  parameters: SiftParameters;
  /** Whether the tensors are wanted or just the summary. */
  needsPayload: boolean;
  timing: Timing;
}

export interface FeatureUpload extends FeatureQuery {
  bytes: Uint8Array<ArrayBuffer>;
  digest: Uint8Array;
  requestId: string;
  traceParent: string | undefined;
  /** Aborted when the client has gone. */
  signal: AbortSignal;
  /** Keeps the platform from ending work that nobody awaits. */
  keepAlive: (work: Promise<unknown>) => void;
  /** Called as soon as `bytes` are not needed any more. */
  releaseBytes: () => void;
}

export interface FoundFeatures extends CachedFeatures {
  /** Where it was found; null when it was computed for this request. */
  tier: CacheTier | null;
}

interface Extraction {
  features: CompleteFeatures;
  serverTiming: string;
}

/** Features by the key of their image: from the cache, else from the origin. */
export class FeatureSource {
  readonly #cache: FeatureCache;
  readonly #origin: OriginClient;
  readonly #extractor: Extractor;
  readonly #ttlMs: number;
  readonly #flights = new SingleFlight<Extraction>();

  constructor(options: {
    cache: FeatureCache;
    origin: OriginClient;
    extractor: Extractor;
    ttlSeconds: number;
  }) {
    this.#cache = options.cache;
    this.#origin = options.origin;
    this.#extractor = options.extractor;
    this.#ttlMs = options.ttlSeconds * 1000;
  }

  keyOf({ sha256, parameters }: Pick<FeatureQuery, 'sha256' | 'parameters'>): string {
    return featureKey(this.#extractor, parameters, sha256);
  }

  /** What the cache has. */
  async find(query: FeatureQuery): Promise<FoundFeatures | undefined> {
    const key = this.keyOf(query);
    const near = this.#cache.peek(key, query.needsPayload);
    return near ?? query.timing.measure('cache', () => this.#cache.get(key, query.needsPayload));
  }

  /** What the cache has, else what the origin computes; that is stored after the answer. */
  async obtain(upload: FeatureUpload): Promise<FoundFeatures> {
    const key = this.keyOf(upload);
    const isComputing = this.#flights.has(key);
    const cached = isComputing ? undefined : await this.find(upload);
    // While Redis was asked, another request may have brought the result.
    const found = cached ?? this.#cache.peek(key, upload.needsPayload);
    if (found) return found;
    if (this.#flights.has(key)) upload.releaseBytes();
    const { features, serverTiming } = await upload.timing.measure('origin', () =>
      this.#flights.run(key, (signal) => this.#extract(key, upload, signal), upload),
    );
    if (serverTiming) upload.timing.append(serverTiming);
    return { ...features, tier: null };
  }

  async #extract(key: string, upload: FeatureUpload, signal: AbortSignal): Promise<Extraction> {
    const { payload, serverTiming } = await this.#origin.extract({ ...upload, signal });
    const { metadata, features } = readPayload(payload);
    // Results go under the key of what really made them: a mistaken setting costs hits, never correctness.
    if (keyOf(metadata) !== key) {
      logWarning('the origin has another extractor than EXTRACTOR says; results are not found again', {
        configured: extractorId(this.#extractor),
        origin: extractorId(metadata.extractor),
      });
    }
    const summary = { metadata, count: features.count, expiresAt: Date.now() + this.#ttlMs };
    const complete: CompleteFeatures = { summary, payload };
    upload.keepAlive(this.#cache.put(complete));
    return { features: complete, serverTiming };
  }
}

function readPayload(payload: Uint8Array<ArrayBuffer>) {
  try {
    return decodePayload(payload);
  } catch (error) {
    throw new ServiceError('ORIGIN_UNAVAILABLE', 'The feature extractor gave no usable answer.', {
      cause: error,
    });
  }
}
