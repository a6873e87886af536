import * as z from 'zod';
import type { ErrorCode, Problem } from './errors.ts';
import type { Scope } from './scopes.ts';

/**
 * One method of one path of the public API. The edge takes method and path from it, `edge/openapi/` makes the
 * OpenAPI document from it, and a client takes its types from it. Nothing in it runs while a request is handled.
 */
export interface RouteDeclaration {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** As in `/api/v1/features/{sha256}`; `{+name}` also takes slashes (RFC 6570). */
  readonly path: string;
  /** Unique name of the operation, in the OpenAPI document and in clients. */
  readonly operationId: string;
  readonly tag: Tag;
  /** What an API key must allow, where the service asks for keys; absent where no key is ever needed. */
  readonly scope?: Scope;
  readonly summary: string;
  readonly description?: string;
  /** Documents `HEAD`, which every `GET` route also responds to. */
  readonly head?: { readonly operationId: string; readonly summary: string };
  readonly pathParameters?: Readonly<Record<string, PathParameter>>;
  readonly query?: z.ZodObject;
  /** Headers beyond those that every route accepts. */
  readonly requestHeaders?: readonly RequestHeaderName[];
  /** The request body by media type; the fields of a form are the fields of an object. */
  readonly body?: Content;
  /** Successful responses by status, and those errors that are no problem documents. */
  readonly responses: Readonly<Record<number, ResponseDeclaration>>;
  /**
   * The errors of this route, each with an example of its `detail`. Those that every route has, and those of keys
   * and rate limits, are added by the document.
   */
  readonly errors: Readonly<Partial<Record<ErrorCode, string>>>;
  /** The JSON of this route's errors, where they are no problem documents. */
  readonly errorBody?: z.ZodType;
}

export interface PathParameter {
  readonly schema: z.ZodType;
  readonly description: string;
  readonly example: string;
}

export interface ResponseDeclaration {
  readonly description: string;
  /** Headers beyond those that every response has. */
  readonly headers?: readonly ResponseHeaderName[];
  readonly content?: Content;
}

/** A schema by media type. Of NDJSON: the schema of one line. */
export type Content = Readonly<Record<string, z.ZodType>>;

export const TAGS = {
  features: 'SIFT keypoints and descriptors of images',
  matching: 'How two images relate',
  vehicles: 'What vehicle an image shows',
  inference: 'What vehicle an image shows, by the Open Inference Protocol V2 (KServe)',
  jobs: 'Bulk jobs over folders and buckets',
  service: 'The state of the service, and what it has done',
  cache: 'For administrators: what the cache holds',
  pages: 'For people: dashboard and documentation',
} as const;
export type Tag = keyof typeof TAGS;

export type RequestHeaderName = 'Content-Digest' | 'If-None-Match' | 'Inference-Header-Content-Length';

export type ResponseHeaderName =
  | 'X-Request-ID'
  | 'X-Processing-Time-Ms'
  | 'Server-Timing'
  | 'X-Cache'
  | 'ETag'
  | 'Content-Disposition'
  | 'Content-Encoding'
  | 'Cache-Control'
  | 'Vary'
  | 'Inference-Header-Content-Length'
  | 'RateLimit-Policy'
  | 'RateLimit'
  | 'WWW-Authenticate'
  | 'Retry-After';

/** Checks a declaration and keeps its literal types. */
export function defineRoute<const Route extends RouteDeclaration>(route: Route): Route {
  return route;
}

/** A file in a request body. It has a type and no check: the edge reads images itself. */
export const uploadSchema = z.custom<Blob>();

/** A binary response body, which has a type and no check. */
export const bytesSchema = z.custom<Uint8Array<ArrayBuffer>>();

/** Query parameters as a client gives them: those with a default are optional. */
export type QueryOf<Route extends RouteDeclaration> = Route extends { query: infer Query extends z.ZodType }
  ? z.input<Query>
  : Record<never, never>;

/** Values of the path's parameters. */
export type PathParametersOf<Route extends RouteDeclaration> = Route extends {
  pathParameters: infer Parameters extends Readonly<Record<string, PathParameter>>;
}
  ? { -readonly [Name in keyof Parameters]: z.input<Parameters[Name]['schema']> }
  : Record<never, never>;

/** The request body of a media type. */
export type BodyOf<Route extends RouteDeclaration, MediaType extends string> = Route extends {
  body: Readonly<Record<MediaType, infer Body extends z.ZodType>>;
}
  ? z.input<Body>
  : never;

/** The response body of a status and media type; of NDJSON one line. */
export type ResponseOf<
  Route extends RouteDeclaration,
  MediaType extends string = 'application/json',
  Status extends number = 200,
> =
  Route['responses'] extends Readonly<Record<Status, { content: infer Contents }>>
    ? Contents extends Readonly<Record<MediaType, infer Body extends z.ZodType>>
      ? z.output<Body>
      : never
    : never;

/** The body of every error, unless a route declares another one for the status. */
export type ErrorOf<Route extends RouteDeclaration> = Problem & {
  error_code: keyof Route['errors'] | CommonErrorCode;
};

/** What every route can respond with, where keys or limits are set included. */
export type CommonErrorCode =
  | 'INTERNAL_SERVER_ERROR'
  | 'SERVICE_NOT_READY'
  | 'UNAUTHORIZED'
  | 'FORBIDDEN'
  | 'RATE_LIMITED';
