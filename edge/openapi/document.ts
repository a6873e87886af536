import { requiredScope } from '../../shared/contract/scopes.ts';
import { SERVICE_VERSION } from '../../shared/service.ts';
import { HEADERS, referenceToHeader } from './headers.ts';
import { type Operation, TAGS } from './operation.ts';
import * as cache from './operations/cache.ts';
import * as features from './operations/features.ts';
import * as matching from './operations/matching.ts';
import * as pages from './operations/pages.ts';
import * as service from './operations/service.ts';
import { componentSchemas } from './schemas.ts';

/** One for each method of each route; a test compares them with what the app has registered. */
const OPERATIONS: Operation[] = [features, matching, service, cache, pages].flatMap((area) =>
  Object.values(area),
);

/** Accepted by every route. */
const REQUEST_HEADERS = [
  {
    name: 'X-Request-ID',
    in: 'header',
    required: false,
    description: 'Your name for this request, found again in its answer and in the logs',
    schema: { type: 'string', pattern: '^[A-Za-z0-9._-]{1,128}$' },
  },
  {
    name: 'traceparent',
    in: 'header',
    required: false,
    description: 'W3C Trace Context, passed on to the origin',
    schema: { type: 'string' },
  },
];

const SECURITY_SCHEMES = {
  bearer: { type: 'http', scheme: 'bearer', description: 'An API key, es_…' },
  apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'An API key, es_…' },
};

/**
 * The OpenAPI 3.1 description of the public API, made from the schemas that validate. It is built with the pages
 * and served as a file: nothing of it is in the Worker.
 */
export function openApiDocument() {
  return {
    openapi: '3.1.1',
    info: {
      title: 'edgesift',
      version: SERVICE_VERSION,
      summary: 'SIFT image features, cached at the edge',
      description:
        'Results are named by extractor, parameters and the SHA-256 of the image file, and never change. Errors are ' +
        'problem documents (RFC 9457).',
    },
    servers: [{ url: '/', description: 'Where this document came from' }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths: pathsOf(OPERATIONS),
    components: {
      schemas: componentSchemas(),
      headers: HEADERS,
      parameters: sharedParameters(),
      securitySchemes: SECURITY_SCHEMES,
    },
  };
}

function pathsOf(operations: Operation[]): Record<string, Record<string, unknown>> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const { path, method, tag, ...operation } of operations) {
    paths[path] ??= { parameters: REQUEST_HEADERS.map(({ name }) => ({ $ref: referenceToParameter(name) })) };
    Object.assign(paths[path], { [method]: { tags: [tag], ...guarded(path, operation) } });
  }
  return paths;
}

/** Under `/api/` a service may ask for keys and set limits; cache administration takes a key always. */
function guarded(path: string, operation: Omit<Operation, 'path' | 'method' | 'tag'>) {
  if (!path.startsWith('/api/')) return operation;
  const keys = Object.keys(SECURITY_SCHEMES).map((name) => ({ [name]: [] }));
  const limits = {
    'RateLimit-Policy': referenceToHeader('RateLimit-Policy'),
    RateLimit: referenceToHeader('RateLimit'),
  };
  const responses = Object.entries(operation.responses).map(([status, response]) => [
    status,
    { ...response, headers: { ...response.headers, ...limits } },
  ]);
  return {
    ...operation,
    security: requiredScope('GET', path) === 'admin' ? keys : [{}, ...keys],
    responses: Object.fromEntries(responses),
  };
}

function sharedParameters(): Record<string, unknown> {
  return Object.fromEntries(REQUEST_HEADERS.map((header) => [header.name, header]));
}

function referenceToParameter(name: string): string {
  return `#/components/parameters/${name}`;
}
