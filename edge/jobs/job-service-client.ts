import { type ErrorCode, problemSchema, ServiceError } from '../../shared/contract/errors.ts';
import type { TraceContext } from '../../shared/contract/trace-context.ts';
import type { HmacKey } from '../../shared/hmac.ts';
import { JOBS_PATH } from '../../shared/job-protocol.ts';
import {
  contentDigestOf,
  importOriginSecret,
  ORIGIN_HEADERS,
  signOriginRequest,
} from '../../shared/origin-protocol.ts';
import { sha256 } from '../../shared/sha256.ts';

export interface JobCall {
  method: 'GET' | 'POST';
  /** Behind the root of all jobs, query included, as in `/{id}/cancel`; empty for the root itself. */
  path: string;
  body?: Uint8Array<ArrayBuffer>;
  requestId: string;
  trace: TraceContext;
  signal: AbortSignal;
}

/** Codes of the job service that clients may see; any other is between the two of us. */
const RELAYED_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'INVALID_PARAMETER',
  'NOT_FOUND',
  'SERVICE_NOT_READY',
  'INTERNAL_SERVER_ERROR',
]);
const RETRY_AFTER_SECONDS = 5;

/** The signed call to the job service. */
export class JobServiceClient {
  readonly #url: string | undefined;
  readonly #secret: Promise<HmacKey>;
  readonly #timeoutMs: number;

  /** @param options without a `url` there are no jobs; `timeoutMs` is for the head of a response, not for its body */
  constructor(options: { url: string | undefined; secret: string; timeoutMs: number }) {
    this.#url = options.url?.replace(/\/+$/, '');
    this.#secret = importOriginSecret(options.secret);
    this.#timeoutMs = options.timeoutMs;
  }

  /**
   * @returns a good response of the job service; its body may go on for as long as a job does
   * @throws ServiceError `NOT_FOUND` where no job service is set up, `ORIGIN_UNAVAILABLE` where it cannot be reached, and
   *   what it responds
   */
  async call(call: JobCall): Promise<Response> {
    if (this.#url === undefined) {
      throw new ServiceError('NOT_FOUND', 'Bulk jobs are not configured on this service.', {
        details: { setting: 'JOBS_URL' },
      });
    }
    const response = await this.#send(this.#url, call);
    if (response.ok) return response;
    throw await problemFrom(response);
  }

  async #send(url: string, { method, path, body, requestId, trace, signal }: JobCall): Promise<Response> {
    const pathAndQuery = JOBS_PATH + path;
    const contentDigest = contentDigestOf(await sha256(body ?? new Uint8Array()));
    const timestampMs = Date.now();
    const parts = { method, pathAndQuery, timestampMs, contentDigest };
    const headers = new Headers({
      'content-type': 'application/json',
      [ORIGIN_HEADERS.contentDigest]: contentDigest,
      [ORIGIN_HEADERS.timestamp]: String(timestampMs),
      [ORIGIN_HEADERS.signature]: await signOriginRequest(await this.#secret, parts),
      [ORIGIN_HEADERS.requestId]: requestId,
      [ORIGIN_HEADERS.traceParent]: trace.traceParent,
    });
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), this.#timeoutMs);
    try {
      const request = { method, headers, ...(method === 'POST' && { body: body ?? new Uint8Array() }) };
      return await fetch(url + pathAndQuery, { ...request, signal: AbortSignal.any([signal, late.signal]) });
    } catch (error) {
      throw signal.aborted ? error : unavailable(error);
    } finally {
      clearTimeout(timer);
    }
  }
}

async function problemFrom(response: Response): Promise<ServiceError> {
  const problem = problemSchema.safeParse(await response.json().catch(() => undefined)).data;
  if (!problem) return unavailable(`status ${response.status} without a problem document`);
  const { error_code, detail, details } = problem;
  if (!RELAYED_CODES.has(error_code)) return unavailable(`${error_code}: ${detail}`);
  const retryAfterSeconds = Number(response.headers.get('retry-after') ?? 0);
  return new ServiceError(error_code, detail, {
    details,
    ...(retryAfterSeconds > 0 && { retryAfterSeconds }),
  });
}

function unavailable(cause: unknown): ServiceError {
  return new ServiceError('ORIGIN_UNAVAILABLE', 'The job service cannot be reached at the moment.', {
    cause,
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  });
}
