import type { RequestHeaderName, ResponseHeaderName } from '../../shared/contract/route.ts';
import { REQUEST_ID } from './examples.ts';
import type { JsonSchema } from './schemas.ts';

interface HeaderDocument {
  description: string;
  schema: JsonSchema;
  example?: unknown;
}

/** Every header of our responses that means something to a client. */
export const HEADERS = {
  'X-Request-ID': {
    description: 'The id that the request came with, else a new one; every log line has it',
    schema: { type: 'string', pattern: '^[A-Za-z0-9._-]{1,128}$' },
    example: REQUEST_ID,
  },
  'X-Processing-Time-Ms': {
    description: "Milliseconds at the edge; a Worker's clock advances on I/O only",
    schema: { type: 'number', minimum: 0 },
    example: 12.5,
  },
  'Server-Timing': {
    description:
      'Milliseconds of each phase: validate, hash, cache, origin; from the origin queue, decode, denoise, sift, match',
    schema: { type: 'string' },
    example: 'validate;dur=0.0, hash;dur=0.1, cache;dur=8.3',
  },
  'X-Cache': {
    description: 'Where the response came from; MISS says that it was computed',
    schema: { type: 'string', enum: ['HIT memory', 'HIT redis', 'MISS'] },
  },
  ETag: {
    description: 'Names result and representation; strong where the bytes are always the same, else weak',
    schema: { type: 'string' },
    example: 'W/"edgesift@1/n0-l3-c0.04-e10-s1.6/9ffa…;json;summary;sift"',
  },
  'Content-Disposition': {
    description: "Of files: their name, which is the image's SHA-256 and the format's extension",
    schema: { type: 'string' },
  },
  'Content-Encoding': {
    description: 'gzip for large JSON, where the client takes it',
    schema: { type: 'string', const: 'gzip' },
  },
  'Cache-Control': {
    description: 'For how long which caches may keep the response',
    schema: { type: 'string' },
  },
  Vary: {
    description: 'What decides the form of the response',
    schema: { type: 'string' },
    example: 'Accept, Accept-Encoding',
  },
  'Inference-Header-Content-Length': {
    description: 'Bytes of the JSON document that tensors follow as bytes',
    schema: { type: 'integer', minimum: 1 },
  },
  'RateLimit-Policy': {
    description: 'Units (q) that a window of w seconds has, where the service limits them',
    schema: { type: 'string' },
    example: '"default";q=600;w=60',
  },
  RateLimit: {
    description: 'Units (r) that are left, and seconds (t) until the next window',
    schema: { type: 'string' },
    example: '"default";r=588;t=42',
  },
  'WWW-Authenticate': {
    description: 'What credentials would help (RFC 6750)',
    schema: { type: 'string' },
    example: 'Bearer realm="edgesift"',
  },
  'Retry-After': {
    description: 'Seconds after which a retry can succeed',
    schema: { type: 'integer', minimum: 1 },
    example: 2,
  },
} as const satisfies Record<ResponseHeaderName, HeaderDocument>;

export function referenceToHeader(name: ResponseHeaderName): { $ref: string } {
  return { $ref: `#/components/headers/${name}` };
}

/** Accepted by every route. */
export const COMMON_REQUEST_HEADERS = {
  'X-Request-ID': {
    description: 'Your name for this request, repeated in the response and in the logs',
    schema: { type: 'string', pattern: '^[A-Za-z0-9._-]{1,128}$' },
  },
  traceparent: {
    description: 'W3C Trace Context, passed on to the origin',
    schema: { type: 'string' },
  },
} satisfies Record<string, HeaderDocument>;

/** Accepted by the routes that name them. Without examples: Swagger UI would send those. */
export const REQUEST_HEADERS: Record<RequestHeaderName, HeaderDocument> = {
  'Content-Digest': {
    description: 'SHA-256 or SHA-512 of the body as sent (RFC 9530); one that differs is INVALID_PARAMETER',
    schema: { type: 'string' },
  },
  'If-None-Match': {
    description: 'Entity tags of what the client already has',
    schema: { type: 'string' },
  },
  'Inference-Header-Content-Length': {
    description: 'Bytes of the JSON document at the beginning of a body in which tensors follow as bytes',
    schema: { type: 'integer', minimum: 1 },
  },
};
