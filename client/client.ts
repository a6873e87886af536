import { type BatchItem, type BatchOptions, batchOf } from './batch.ts';
import { CachedKeys } from './cached-keys.ts';
import { inGroups } from './concurrency.ts';
import type {
  DescriptorRows,
  DetectParameters,
  DetectResponse,
  ExistsResponse,
  HealthResponse,
  KeypointColumns,
  MatchParameters,
  MatchResponse,
  StatsResponse,
} from './contract.ts';
import { type ImageFeatures, readFeatures } from './features.ts';
import { isNotCached, sendHashFirst, type UploadOptions } from './hash-first.ts';
import { bytesOf, checkedHash, hashOf, type ImageFile, type ImageReference } from './image.ts';
import { Jobs } from './jobs.ts';
import { DEFAULT_RETRY_POLICY, type RetryPolicy } from './transport/retry.ts';
import { type CallOptions, type Query, type Retry, readJson, Transport } from './transport/transport.ts';
import { Vehicles } from './vehicles.ts';

export interface ClientOptions {
  /** Address of the service, as in `https://features.example.com`. */
  url: string | URL;
  apiKey?: string | undefined;
  /** Sent with every request. */
  headers?: Readonly<Record<string, string>>;
  /** The platform's by default. */
  fetch?: typeof globalThis.fetch;
  /** Limit of each attempt, in milliseconds; 60 s by default. */
  timeoutMs?: number;
  /** Default: 4 retries, 0.5 s for the first, at most 30 s each. */
  retry?: Partial<RetryPolicy>;
  /** Called before an attempt is repeated. */
  onRetry?: (retry: Retry) => void;
}

type Include = NonNullable<DetectParameters['include']>;

/** The parameters that decide the features, not how they are shown. */
export type ExtractionParameters = Omit<DetectParameters, 'include' | 'format' | 'root_sift'>;

/** What `detect` gives, with the columns that `include` adds. */
export type Detection<I extends Include = 'summary'> = DetectResponse &
  (I extends 'summary' ? unknown : KeypointColumns) &
  (I extends 'all' ? DescriptorRows : unknown);

/** A format in which the service sends features as a file. */
export type FileFormat = NonNullable<DetectParameters['format']>;

export interface FeatureFile {
  bytes: Uint8Array<ArrayBuffer>;
  /** Whether the service had it in its cache. */
  isCached: boolean;
}

/** The most hashes that one request may ask for. */
const MAX_HASHES = 1000;
const DEFAULT_TIMEOUT_MS = 60_000;

/**
 * A client of an edgesift service, for browsers, Node.js, Deno and Workers.
 *
 * An image is hashed here first and sent only when the service does not know its features yet. Requests that fail
 * for a passing reason are repeated. Every failure is an {@link EdgesiftError}.
 */
export class EdgesiftClient {
  /** What the service has cached; for administrators. */
  readonly cache: CachedKeys;
  /** Bulk jobs over folders and buckets. */
  readonly jobs: Jobs;
  /** Vehicle recognition. */
  readonly vehicles: Vehicles;
  readonly #transport: Transport;

  constructor(options: ClientOptions) {
    this.#transport = new Transport({
      url: String(new URL(options.url)),
      apiKey: options.apiKey,
      headers: options.headers ?? {},
      fetch: options.fetch ?? ((...request) => globalThis.fetch(...request)),
      timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      retry: { ...DEFAULT_RETRY_POLICY, ...options.retry },
      onRetry: options.onRetry,
    });
    this.cache = new CachedKeys(this.#transport);
    this.jobs = new Jobs(this.#transport);
    this.vehicles = new Vehicles(this.#transport);
  }

  /**
   * Keypoints and descriptors of an image, as JSON: the summary alone, or with what `include` names.
   *
   * @param image a file; or its SHA-256, for features that are cached (else `FEATURES_NOT_CACHED`)
   */
  detect<I extends Include = 'summary'>(
    image: ImageReference,
    parameters: Omit<DetectParameters, 'format' | 'include'> & { include?: I } = {},
    options: UploadOptions = {},
  ): Promise<Detection<I>> {
    const query = { ...parameters, format: 'json' };
    return this.#features(image, query, options, readJson<Detection<I>>);
  }

  /** Keypoints and descriptors of an image as typed arrays. */
  async features(
    image: ImageReference,
    parameters: Omit<DetectParameters, 'format' | 'include'> = {},
    options: UploadOptions = {},
  ): Promise<ImageFeatures> {
    const { bytes } = await this.file(image, 'safetensors', parameters, options);
    return readFeatures(bytes);
  }

  /** The features of an image as a file of the given format. */
  file(
    image: ImageReference,
    format: FileFormat,
    parameters: Omit<DetectParameters, 'format'> = {},
    options: UploadOptions = {},
  ): Promise<FeatureFile> {
    return this.#features(image, { ...parameters, format }, options, async (response) => ({
      bytes: new Uint8Array(await response.arrayBuffer()),
      isCached: response.headers.get('x-cache')?.startsWith('HIT') ?? false,
    }));
  }

  /**
   * Which of these images have their features cached.
   *
   * @param hashes any number; a request is sent for every 1,000
   * @returns those that are cached
   */
  async exists(
    hashes: Iterable<string>,
    parameters: ExtractionParameters = {},
    call: CallOptions = {},
  ): Promise<Set<string>> {
    const cached = new Set<string>();
    for await (const group of inGroups(new Set(hashes), MAX_HASHES)) {
      const response: ExistsResponse = await this.#transport.sendForJson({
        ...call,
        method: 'POST',
        path: '/api/v1/features/exists',
        query: parameters,
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ sha256: group }),
      });
      for (const hash of response.cached) cached.add(hash);
    }
    return cached;
  }

  /**
   * {@link detect} for many images: each is sent only where it is not cached. Yields each result as soon as it is
   * there, in no particular order; a slow reader slows the work.
   *
   * @param images may be made while the batch runs: only some are taken at a time
   */
  async *batch<Image extends ImageFile, I extends Include = 'summary'>(
    images: Iterable<Image> | AsyncIterable<Image>,
    parameters: Omit<DetectParameters, 'format' | 'include'> & { include?: I } = {},
    options: BatchOptions = {},
  ): AsyncGenerator<BatchItem<Image, Detection<I>>> {
    yield* batchOf(images, options, (image, upload) => this.detect(image, parameters, upload));
  }

  /**
   * How two images relate: their matches, and the homography or fundamental matrix that these agree on. Images whose
   * features are cached are not sent.
   */
  async match(
    image1: ImageReference,
    image2: ImageReference,
    parameters: MatchParameters = {},
    options: CallOptions & Pick<UploadOptions, 'hashFirst'> = {},
  ): Promise<MatchResponse> {
    const { hashFirst = true, ...call } = options;
    const sides = await Promise.all([sideOf(image1, hashFirst), sideOf(image2, hashFirst)]);
    const send = (form: FormData): Promise<MatchResponse> =>
      this.#transport.sendForJson({
        ...call,
        method: 'POST',
        path: '/api/v1/match',
        query: parameters,
        body: form,
      });
    if (sides.some(({ hash }) => hash !== undefined)) {
      try {
        return await send(formOf(sides.map(({ hash, bytes }) => hash ?? bytes)));
      } catch (error) {
        if (!isNotCached(error) || sides.every(({ bytes }) => bytes === undefined)) throw error;
      }
    }
    return send(formOf(sides.map(({ hash, bytes }) => bytes ?? hash)));
  }

  /** The state of the service. One that is `unhealthy` is a result, too. */
  health(call: CallOptions = {}): Promise<HealthResponse> {
    return this.#transport.send({ ...call, path: '/health', expected: [503] }, readJson<HealthResponse>);
  }

  stats(call: CallOptions = {}): Promise<StatsResponse> {
    return this.#transport.sendForJson({ ...call, path: '/api/v1/stats' });
  }

  #features<Result>(
    image: ImageReference,
    query: Query,
    options: UploadOptions,
    read: (response: Response) => Promise<Result>,
  ): Promise<Result> {
    const routes = { byHash: '/api/v1/features', upload: '/api/v1/features/detect', query };
    return sendHashFirst(this.#transport, image, routes, options, read);
  }
}

/** One image of a match: its hash where it is known, its bytes where they are here. */
interface MatchSide {
  hash: string | undefined;
  bytes?: Uint8Array<ArrayBuffer>;
}

async function sideOf(image: ImageReference, hashFirst: boolean): Promise<MatchSide> {
  if (typeof image === 'string') return { hash: checkedHash(image) };
  const bytes = await bytesOf(image);
  return { hash: hashFirst ? await hashOf(bytes) : undefined, bytes };
}

function formOf(images: readonly (string | Uint8Array<ArrayBuffer> | undefined)[]): FormData {
  const form = new FormData();
  for (const [index, image] of images.entries()) {
    const field = `image${index + 1}`;
    if (typeof image === 'string') form.append(field, image);
    else if (image) form.append(field, new Blob([image]), 'image');
  }
  return form;
}
