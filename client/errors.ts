import { isRecord } from '../shared/features/safetensors.ts';
import type { ErrorCode } from './contract.ts';

/**
 * What went wrong: an `error_code` of the service, or
 *
 * - `CONNECTION_FAILED`: no response, because the service cannot be reached or the connection broke
 * - `TIMED_OUT`: no whole response within the client's time limit
 * - `UNEXPECTED_RESPONSE`: a response that is not the service's, such as a proxy's error page
 */
export type FailureCode = ErrorCode | 'CONNECTION_FAILED' | 'TIMED_OUT' | 'UNEXPECTED_RESPONSE';

export interface EdgesiftErrorOptions {
  status?: number;
  details?: Record<string, unknown>;
  requestId?: string | undefined;
  retryAfterMs?: number | undefined;
  cause?: unknown;
}

/** Every failure of a call, except that of a caller's own `AbortSignal`, whose reason is thrown as it is. */
export class EdgesiftError extends Error {
  override readonly name = 'EdgesiftError';
  readonly code: FailureCode;
  /** HTTP status; 0 where there was no response. */
  readonly status: number;
  /** Facts by which a program can react, such as the limit that was exceeded. */
  readonly details: Record<string, unknown>;
  /** Names the request in the service's logs. */
  readonly requestId: string | undefined;
  /** Time after which the service expects that a retry succeeds, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(code: FailureCode, message: string, options: EdgesiftErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.status = options.status ?? 0;
    this.details = options.details ?? {};
    this.requestId = options.requestId;
    this.retryAfterMs = options.retryAfterMs;
  }

  /** Whether the same request can succeed later. */
  get isTransient(): boolean {
    return TRANSIENT_CODES.has(this.code) || TRANSIENT_STATUSES.has(this.status);
  }

  /** Whether the request was refused before any work began, so that even a retry of one with effects is safe. */
  get wasRefused(): boolean {
    return this.status === 429 || this.status === 503;
  }
}

const TRANSIENT_CODES: ReadonlySet<FailureCode> = new Set(['CONNECTION_FAILED', 'TIMED_OUT']);
const TRANSIENT_STATUSES: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** Reads the error out of a response that is not a success. */
export async function errorFrom(response: Response, now = Date.now()): Promise<EdgesiftError> {
  const problem: unknown = await response.json().catch(() => undefined);
  const requestId = response.headers.get('x-request-id') ?? undefined;
  const retryAfterMs = readRetryAfter(response.headers.get('retry-after'), now);
  const { status } = response;
  if (!isProblem(problem)) {
    const message = `The response has status ${status} and is not one of an edgesift service.`;
    return new EdgesiftError('UNEXPECTED_RESPONSE', message, { status, requestId, retryAfterMs });
  }
  const { error_code, message, details } = problem;
  return new EdgesiftError(error_code, message, {
    status,
    details: isRecord(details) ? details : {},
    requestId,
    retryAfterMs,
  });
}

interface ProblemFields {
  error_code: ErrorCode;
  message: string;
  details?: unknown;
}

/** The service's set of codes is closed, so that any text in `error_code` is one of them. */
function isProblem(value: unknown): value is ProblemFields {
  return isRecord(value) && typeof value.error_code === 'string' && typeof value.message === 'string';
}

/** `Retry-After` (RFC 9110, 10.2.3) in milliseconds from now: whole seconds, or a date. */
export function readRetryAfter(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1000;
  // What begins with no weekday is no date of HTTP, but `Date.parse` makes one even of 1.5.
  const date = /^\s*[a-z]{3}/i.test(header) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
