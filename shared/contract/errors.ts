import * as z from 'zod';

/**
 * Every error a client can meet: its HTTP status and the title of its kind.
 * The set is closed; an error that fits none of them is an `INTERNAL_SERVER_ERROR`.
 */
const ERRORS = {
  INVALID_IMAGE: { status: 400, title: 'The upload is not an image of a supported format' },
  INVALID_PARAMETER: { status: 400, title: 'A request parameter is missing, unknown or out of range' },
  UNAUTHORIZED: { status: 401, title: 'Credentials are missing or wrong' },
  FORBIDDEN: { status: 403, title: 'The credentials do not allow this' },
  NOT_FOUND: { status: 404, title: 'The resource does not exist' },
  FEATURES_NOT_CACHED: { status: 404, title: 'The features of this image are not cached' },
  REPORT_NOT_FOUND: { status: 404, title: 'The vehicle has no cached report' },
  METHOD_NOT_ALLOWED: { status: 405, title: 'The resource does not support this method' },
  NOT_ACCEPTABLE: { status: 406, title: 'The response has no media type that the client accepts' },
  IMAGE_TOO_LARGE: { status: 413, title: 'The image exceeds a size limit' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, title: 'The media type of the request body is not supported' },
  IMAGE_READ_ERROR: { status: 422, title: 'The image is damaged and cannot be decoded' },
  RATE_LIMITED: { status: 429, title: 'Too many requests' },
  INTERNAL_SERVER_ERROR: { status: 500, title: 'The service failed' },
  ORIGIN_UNAVAILABLE: { status: 502, title: 'The feature extractor cannot be reached' },
  SERVICE_NOT_READY: { status: 503, title: 'The service is not ready yet' },
  OVERLOADED: { status: 503, title: 'The service is at capacity' },
  SERVICE_TIMEOUT: { status: 504, title: 'The request took too long' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ErrorCode = keyof typeof ERRORS;
export type ErrorStatus = (typeof ERRORS)[ErrorCode]['status'];

export const errorCodeSchema = z.enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]);

export function statusOf(code: ErrorCode): ErrorStatus {
  return ERRORS[code].status;
}

export interface ServiceErrorOptions {
  /** Machine-readable facts for the client, such as the limit that was exceeded. */
  details?: Record<string, unknown>;
  /** Seconds after which a retry can succeed; sent as `Retry-After`. */
  retryAfterSeconds?: number;
  /** `WWW-Authenticate` of an `UNAUTHORIZED` or `FORBIDDEN` (RFC 6750, section 3). */
  challenge?: string;
  /** What really happened. Logged, never sent. */
  cause?: unknown;
}

/**
 * The one error that crosses module borders. `message` is public: it is written for the client and must name
 * no internals; the caught error goes into `cause`.
 */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';
  readonly code: ErrorCode;
  readonly details: Record<string, unknown>;
  readonly retryAfterSeconds: number | undefined;
  readonly challenge: string | undefined;

  constructor(code: ErrorCode, publicMessage: string, options: ServiceErrorOptions = {}) {
    super(publicMessage, { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.challenge = options.challenge;
  }

  get status(): ErrorStatus {
    return statusOf(this.code);
  }
}

/** Makes any thrown value a {@link ServiceError}; what is not one already becomes an opaque 500. */
export function asServiceError(thrown: unknown): ServiceError {
  if (thrown instanceof ServiceError) return thrown;
  return new ServiceError('INTERNAL_SERVER_ERROR', 'An unexpected error occurred.', { cause: thrown });
}

export const PROBLEM_CONTENT_TYPE = 'application/problem+json';

/** RFC 9457 problem details, extended by the fields that clients of the reference service read. */
export const problemSchema = z.object({
  type: z.string().describe('URN that names the kind of problem'),
  title: z.string(),
  status: z.int(),
  detail: z.string().describe('What went wrong this time'),
  instance: z.string().describe('Path of the request'),
  success: z.literal(false),
  error_code: errorCodeSchema,
  message: z.string().describe('Same text as detail'),
  details: z.record(z.string(), z.unknown()),
  request_id: z.string(),
});
export type Problem = z.infer<typeof problemSchema>;

export function problemOf(error: ServiceError, request: { path: string; id: string }): Problem {
  return {
    type: `urn:edgesift:problem:${error.code.toLowerCase().replaceAll('_', '-')}`,
    title: ERRORS[error.code].title,
    status: error.status,
    detail: error.message,
    instance: request.path,
    success: false,
    error_code: error.code,
    message: error.message,
    details: error.details,
    request_id: request.id,
  };
}

/**
 * Response headers of an error: its media type, `Retry-After` in whole seconds where a retry makes sense, and
 * `WWW-Authenticate` where credentials would help.
 */
export function problemHeaders(error: ServiceError): Record<string, string> {
  const headers: Record<string, string> = {
    'Content-Type': PROBLEM_CONTENT_TYPE,
    'Cache-Control': 'no-store',
  };
  if (error.retryAfterSeconds !== undefined) {
    headers['Retry-After'] = String(Math.max(1, Math.ceil(error.retryAfterSeconds)));
  }
  if (error.challenge !== undefined) headers['WWW-Authenticate'] = error.challenge;
  return headers;
}
