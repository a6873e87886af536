import * as z from 'zod';
import {
  type ErrorCode,
  errorCodeSchema,
  PROBLEM_CONTENT_TYPE,
  problemOf,
  ServiceError,
  statusOf,
} from '../../shared/contract/errors.ts';
import { requiredScope } from '../../shared/contract/scopes.ts';
import { REQUEST_ID } from './examples.ts';
import { type HeaderName, referenceToHeader } from './headers.ts';
import { type JsonSchema, jsonSchemaOf, referenceTo, type SchemaName } from './schemas.ts';

/** The documentation of one method of one path. Its parts are OpenAPI 3.1 objects. */
export interface Operation {
  method: 'get' | 'head' | 'post' | 'delete';
  /** As in `/api/v1/features/{sha256}`. */
  path: string;
  operationId: string;
  tag: Tag;
  summary: string;
  description?: string;
  parameters?: Parameter[];
  requestBody?: { description?: string; required: boolean; content: Content };
  responses: Responses;
}

export const TAGS = {
  features: 'SIFT keypoints and descriptors of images',
  matching: 'How two images relate',
  service: 'How the service is, and what it has done',
  cache: 'For administrators: what the cache holds',
  pages: 'For people: dashboard and documentation',
} as const;
export type Tag = keyof typeof TAGS;

export interface Parameter {
  name: string;
  in: 'query' | 'path' | 'header';
  required: boolean;
  description?: string;
  schema: JsonSchema;
  example?: unknown;
}

export type Content = Record<
  string,
  { schema: JsonSchema; example?: unknown; examples?: Record<string, { summary?: string; value: unknown }> }
>;
export type Responses = Record<string, ResponseDocument>;

interface ResponseDocument {
  description: string;
  headers?: Record<string, { $ref: string }>;
  content?: Content;
}

const objectSchema = z.object({
  properties: z.record(z.string(), z.record(z.string(), z.unknown())),
  required: z.array(z.string()).default([]),
});

/** One parameter for each field of a schema, with its bounds, default and description. */
export function queryParameters(schema: z.ZodObject): Parameter[] {
  const { properties, required } = objectSchema.parse(jsonSchemaOf(schema, 'input'));
  return Object.entries(properties).map(([name, { description, ...bounds }]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    ...(typeof description === 'string' && { description }),
    schema: bounds,
  }));
}

export function response(description: string, headers: HeaderName[], content?: Content): ResponseDocument {
  const names: HeaderName[] = ['X-Request-ID', 'X-Processing-Time-Ms', ...headers];
  return {
    description,
    headers: Object.fromEntries(names.map((name) => [name, referenceToHeader(name)])),
    ...(content && { content }),
  };
}

export function json(name: SchemaName, example: unknown): Content {
  return { 'application/json': { schema: referenceTo(name), example } };
}

/** Of the routes that take a body. */
export const contentDigest: Parameter = {
  name: 'Content-Digest',
  in: 'header',
  required: false,
  description: 'SHA-256 or SHA-512 of the body as sent (RFC 9530); one that differs is INVALID_PARAMETER',
  // No example: Swagger UI would send it.
  schema: { type: 'string' },
};

/** A file that JSON Schema does not describe. */
export const BINARY: JsonSchema = { type: 'string', format: 'binary' };

/** Failures that any route can answer with, whatever it does. */
const ANYWHERE: Causes = {
  INTERNAL_SERVER_ERROR: 'An unexpected error occurred.',
  SERVICE_NOT_READY: 'The service is not set up completely.',
};

/** What any route under `/api/` can answer with, where keys or limits are set. */
function guardCauses(method: Operation['method'], path: string): Causes {
  if (!path.startsWith('/api/')) return {};
  const scope = requiredScope(method.toUpperCase(), path);
  return {
    UNAUTHORIZED: 'Send an API key as "Authorization: Bearer" or "X-API-Key".',
    // Every key may read.
    ...(scope !== 'read' && { FORBIDDEN: `This takes an API key of scope "${scope}".` }),
    RATE_LIMITED: 'The limit is 600 units in 60 s.',
  };
}

/** For each code what its `detail` says, for example. */
export type Causes = Partial<Record<ErrorCode, string>>;

/** The error answers of an operation by status, with an example of every code. */
export function problems(path: string, causes: Causes, method: Operation['method'] = 'get'): Responses {
  const byStatus = Map.groupBy(
    Object.entries({ ...ANYWHERE, ...guardCauses(method, path), ...causes }).map(([code, detail]) => ({
      code: errorCodeSchema.parse(code),
      detail,
    })),
    ({ code }) => statusOf(code),
  );
  return Object.fromEntries(
    [...byStatus].map(([status, examples]) => {
      const description = examples.map(({ code }) => `\`${code}\``).join(' or ');
      const content = {
        [PROBLEM_CONTENT_TYPE]: {
          schema: referenceTo('Problem'),
          examples: Object.fromEntries(
            examples.map(({ code, detail }) => [code, { value: problemExample(code, detail, path) }]),
          ),
        },
      };
      return [String(status), response(description, headersOf(status), content)];
    }),
  );
}

function problemExample(code: ErrorCode, detail: string, path: string) {
  return problemOf(new ServiceError(code, detail), { path, id: REQUEST_ID });
}

function headersOf(status: number): HeaderName[] {
  if (status === 401 || status === 403) return ['WWW-Authenticate'];
  return [429, 502, 503].includes(status) ? ['Retry-After'] : [];
}

/** Content of a form whose named fields all have to be there; parameters may come along. */
export function formContent(fields: Record<string, JsonSchema>) {
  return {
    'multipart/form-data': {
      schema: { type: 'object', properties: fields, required: Object.keys(fields) },
    },
  };
}
