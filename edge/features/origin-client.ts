import type * as z from 'zod';
import { type ErrorCode, problemSchema, ServiceError } from '../../shared/contract/errors.ts';
import { MAX_KEYPOINTS } from '../../shared/contract/limits.ts';
import {
  type GeometryParameters,
  parameterPairs,
  type SiftParameters,
} from '../../shared/contract/parameters.ts';
import { type MatchResult, matchResultSchema, originReadySchema } from '../../shared/contract/responses.ts';
import type { TraceContext } from '../../shared/contract/trace-context.ts';
import {
  pairsOfOptions,
  type VehicleOptions,
  type VehicleRecord,
  type VehicleState,
  vehicleRecordSchema,
  vehicleStateSchema,
} from '../../shared/contract/vehicles.ts';
import { BYTES_PER_KEYPOINT } from '../../shared/features/payload.ts';
import { parseJson, SAFETENSORS_CONTENT_TYPE } from '../../shared/features/safetensors.ts';
import type { HmacKey } from '../../shared/hmac.ts';
import {
  CLASSIFY_PATH,
  clientName,
  contentDigestOf,
  EXTRACT_PATH,
  importOriginSecret,
  joinPayloads,
  MATCH_PATH,
  ORIGIN_HEADERS,
  signOriginRequest,
  VEHICLE_MODEL_PATH,
} from '../../shared/origin-protocol.ts';
import type { FeatureSummary } from '../../shared/records/feature-summary.ts';
import { decodeSummary } from '../../shared/records/summary-text.ts';
import { sha256 } from '../../shared/sha256.ts';
import type { CircuitBreaker } from '../resilience/circuit-breaker.ts';
import type { MemoryBudget, MemoryLease } from '../resilience/memory-budget.ts';

/** What every call says about the request that it serves. */
interface OriginJob {
  requestId: string;
  /** Of the client that it is done for, as access control has it; the origin gets a digest of it. */
  client: string;
  trace: TraceContext;
  signal: AbortSignal;
}

export interface ExtractionJob extends OriginJob {
  bytes: Uint8Array<ArrayBuffer>;
  /** SHA-256 of `bytes`. */
  digest: Uint8Array;
  parameters: SiftParameters;
  /** For how long the result is to be kept. */
  ttlSeconds: number;
}

export interface ClassificationJob extends OriginJob {
  bytes: Uint8Array<ArrayBuffer>;
  /** SHA-256 of `bytes`. */
  digest: Uint8Array;
  options: VehicleOptions;
  /** For how long the result is to be kept. */
  ttlSeconds: number;
}

export interface MatchJob extends OriginJob {
  /** Feature payloads of the two images. */
  payloads: readonly [Uint8Array, Uint8Array];
  geometry: GeometryParameters;
}

export interface MatchJobResponse {
  result: MatchResult;
  serverTiming: string;
}

/** A request as it goes over the wire. */
interface SignedCall extends OriginJob {
  pathAndQuery: string;
  bytes: Uint8Array<ArrayBuffer>;
  digest: Uint8Array;
  /** Beside those that every call has. */
  headers: Record<string, string>;
}

/** The response to an extraction without its payload. */
export interface SummaryResponse {
  summary: FeatureSummary;
  serverTiming: string;
}

export interface ExtractionResponse {
  /** As received, not looked at yet: of an extraction a safetensors file. */
  payload: Uint8Array<ArrayBuffer>;
  serverTiming: string;
  /** To be called when the payload is not worked on any more. */
  release: () => void;
}

export type OriginState = z.infer<typeof originReadySchema>;

/** Error codes of the origin that the edge passes on to clients; all others stay internal. */
const RELAYED_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'INVALID_IMAGE',
  'INVALID_PARAMETER',
  'IMAGE_TOO_LARGE',
  'IMAGE_READ_ERROR',
  'SERVICE_NOT_READY',
  'OVERLOADED',
  'SERVICE_TIMEOUT',
  'INTERNAL_SERVER_ERROR',
]);

/** Size limit of a response without Content-Length, which a proxy can remove. */
const LARGEST_RESPONSE_BYTES = MAX_KEYPOINTS * BYTES_PER_KEYPOINT;

/** So that the origin's own 504 is here before we stop waiting for it. */
const RESPONSE_MARGIN_MS = 500;

/** The signed call to the origin. */
export class OriginClient {
  readonly #url: string;
  readonly #secret: Promise<HmacKey>;
  readonly #timeoutMs: number;
  readonly #breaker: CircuitBreaker;
  readonly #responses: MemoryBudget;

  /** @param options `responses` bounds the bytes of responses in memory; what is beyond waits at the origin */
  constructor(options: {
    url: string;
    secret: string;
    timeoutMs: number;
    breaker: CircuitBreaker;
    responses: MemoryBudget;
  }) {
    this.#url = options.url.replace(/\/+$/, '');
    this.#secret = importOriginSecret(options.secret);
    this.#timeoutMs = options.timeoutMs;
    this.#breaker = options.breaker;
    this.#responses = options.responses;
  }

  /**
   * @throws ServiceError the origin's own error; `ORIGIN_UNAVAILABLE` when it cannot be reached or makes no
   *   sense; `SERVICE_TIMEOUT` when it does not respond in time; `OVERLOADED` when there was no memory for the response
   */
  extract(job: ExtractionJob): Promise<ExtractionResponse> {
    return this.#call(extractionCall(job, SAFETENSORS_CONTENT_TYPE));
  }

  /** Has the origin extract and share the features, and gets their summary alone. Errors as of {@link extract}. */
  async extractSummary(job: ExtractionJob): Promise<SummaryResponse> {
    const { payload, serverTiming, release } = await this.#call(extractionCall(job, 'application/json'));
    release();
    const stored = decodeSummary(new TextDecoder().decode(payload));
    if (!stored) throw this.#unavailable('the summary cannot be read');
    return { summary: stored.summary, serverTiming };
  }

  /** Errors as of {@link extract}. */
  async match(job: MatchJob): Promise<MatchJobResponse> {
    const { payloads, geometry, ...rest } = job;
    const bytes = joinPayloads(...payloads);
    const query = Object.entries(geometry).map(([name, value]) => [name, String(value)]);
    const pathAndQuery = `${MATCH_PATH}?${new URLSearchParams(query)}`;
    const { payload, serverTiming, release } = await this.#call({
      ...rest,
      pathAndQuery,
      bytes,
      digest: await sha256(bytes),
      headers: {},
    });
    release();
    const result = matchResultSchema.safeParse(parseJson(new TextDecoder().decode(payload)));
    if (!result.success) throw this.#unavailable(result.error);
    return { result: result.data, serverTiming };
  }

  /** Has the origin classify the vehicle in an image and share the result. Errors as of {@link extract}. */
  async classify(job: ClassificationJob): Promise<{ record: VehicleRecord; serverTiming: string }> {
    const { options, ttlSeconds, ...rest } = job;
    const { payload, serverTiming, release } = await this.#call({
      ...rest,
      pathAndQuery: pathWithQuery(CLASSIFY_PATH, pairsOfOptions(options)),
      headers: { accept: 'application/json', [ORIGIN_HEADERS.cacheTtl]: String(ttlSeconds) },
    });
    release();
    const record = vehicleRecordSchema.safeParse(parseJson(new TextDecoder().decode(payload)));
    if (!record.success) throw this.#unavailable(record.error);
    return { record: record.data, serverTiming };
  }

  async #call(job: SignedCall): Promise<ExtractionResponse> {
    if (!this.#breaker.tryAcquire()) throw this.#unavailable('not called: it failed repeatedly');
    const timeout = AbortSignal.timeout(this.#timeoutMs);
    try {
      const response = await this.#post(job, AbortSignal.any([timeout, job.signal]));
      this.#breaker.succeed();
      return response;
    } catch (error) {
      if (error instanceof ServiceError && error.code !== 'ORIGIN_UNAVAILABLE') {
        this.#breaker.succeed();
        throw error;
      }
      if (job.signal.aborted) throw error;
      this.#breaker.fail();
      if (timeout.aborted) {
        throw new ServiceError('SERVICE_TIMEOUT', 'The result was not ready in time.', { cause: error });
      }
      throw error instanceof ServiceError ? error : this.#unavailable(error);
    }
  }

  async #post(job: SignedCall, signal: AbortSignal): Promise<ExtractionResponse> {
    const { pathAndQuery } = job;
    const contentDigest = contentDigestOf(job.digest);
    const timestampMs = Date.now();
    const client = await clientName(job.client);
    const parts = { method: 'POST', pathAndQuery, timestampMs, contentDigest, client };
    const headers = {
      'content-type': 'application/octet-stream',
      [ORIGIN_HEADERS.contentDigest]: contentDigest,
      [ORIGIN_HEADERS.timestamp]: String(timestampMs),
      [ORIGIN_HEADERS.signature]: await signOriginRequest(await this.#secret, parts),
      [ORIGIN_HEADERS.timeBudget]: String(Math.max(1, this.#timeoutMs - RESPONSE_MARGIN_MS)),
      [ORIGIN_HEADERS.client]: client,
      [ORIGIN_HEADERS.requestId]: job.requestId,
      [ORIGIN_HEADERS.traceParent]: job.trace.traceParent,
      ...job.headers,
    };
    const response = await fetch(this.#url + pathAndQuery, {
      method: 'POST',
      headers,
      body: job.bytes,
      signal,
      // The signature is for this host and path alone.
      redirect: 'manual',
    });
    if (!response.ok) throw await this.#problemFrom(response);
    return {
      ...(await this.#receive(response)),
      serverTiming: response.headers.get(ORIGIN_HEADERS.serverTiming) ?? '',
    };
  }

  /** Until there is memory for it, a response stays unread. */
  async #receive(response: Response): Promise<Pick<ExtractionResponse, 'payload' | 'release'>> {
    const bytes = Number(response.headers.get('content-length') ?? LARGEST_RESPONSE_BYTES);
    let lease: MemoryLease | undefined;
    try {
      lease = await this.#responses.acquire(bytes);
      return { payload: new Uint8Array(await response.arrayBuffer()), release: lease.release };
    } catch (error) {
      lease?.release();
      await response.body?.cancel().catch(() => undefined);
      throw error;
    }
  }

  async #problemFrom(response: Response): Promise<ServiceError> {
    const parsed = problemSchema.safeParse(await response.json().catch(() => undefined));
    if (!parsed.success) {
      const cause = `status ${response.status} without a problem document`;
      // The request itself is at fault, so a retry fails too and other requests do not: the breaker stays closed.
      return response.status >= 400 && response.status < 500
        ? new ServiceError('INTERNAL_SERVER_ERROR', 'An unexpected error occurred.', { cause })
        : this.#unavailable(cause);
    }
    const { error_code, detail, details } = parsed.data;
    if (!RELAYED_CODES.has(error_code)) return this.#unavailable(`${error_code}: ${detail}`);
    const retryAfterSeconds = Number(response.headers.get('retry-after') ?? 0);
    return new ServiceError(error_code, detail, {
      details,
      ...(retryAfterSeconds > 0 && { retryAfterSeconds }),
    });
  }

  #unavailable(cause: unknown): ServiceError {
    return new ServiceError('ORIGIN_UNAVAILABLE', 'The feature extractor cannot be reached at the moment.', {
      cause,
      retryAfterSeconds: Math.max(1, this.#breaker.retryAfterSeconds),
    });
  }

  /** What the origin says of its vehicle model; undefined when it cannot be reached or makes no sense. */
  async vehicleState(timeoutMs: number): Promise<VehicleState | undefined> {
    try {
      const response = await fetch(this.#url + VEHICLE_MODEL_PATH, {
        signal: AbortSignal.timeout(timeoutMs),
        redirect: 'manual',
      });
      return vehicleStateSchema.safeParse(await response.json()).data;
    } catch {
      return undefined;
    }
  }

  /** What the origin says of itself; undefined when it cannot be reached or makes no sense. */
  async state(timeoutMs: number): Promise<OriginState | undefined> {
    try {
      const response = await fetch(`${this.#url}/health/ready`, {
        signal: AbortSignal.timeout(timeoutMs),
        redirect: 'manual',
      });
      return originReadySchema.safeParse(await response.json()).data;
    } catch {
      return undefined;
    }
  }
}

function extractionCall({ parameters, ttlSeconds, ...job }: ExtractionJob, accept: string): SignedCall {
  return {
    ...job,
    pathAndQuery: `${EXTRACT_PATH}?${new URLSearchParams(parameterPairs(parameters))}`,
    headers: { accept, [ORIGIN_HEADERS.cacheTtl]: String(ttlSeconds) },
  };
}

function pathWithQuery(path: string, pairs: [string, string][]): string {
  return pairs.length === 0 ? path : `${path}?${new URLSearchParams(pairs)}`;
}
