import * as z from 'zod';
import {
  type ErrorCode,
  errorCodeSchema,
  PROBLEM_CONTENT_TYPE,
  problemOf,
  ServiceError,
  statusOf,
} from '../../shared/contract/errors.ts';
import type {
  Content,
  ResponseDeclaration,
  ResponseHeaderName,
  RouteDeclaration,
} from '../../shared/contract/route.ts';
import { EXAMPLES, type Example, REQUEST_ID } from './examples.ts';
import { REQUEST_HEADERS, referenceToHeader } from './headers.ts';
import { type JsonSchema, jsonSchemaOf, referenceTo, schemaOf } from './schemas.ts';

/** The parts of an OpenAPI 3.1 operation object that this document uses. */
export interface Operation {
  operationId: string;
  tags: string[];
  summary: string;
  description?: string;
  security?: Record<string, string[]>[];
  parameters?: Parameter[];
  requestBody?: { required: true; content: MediaTypes };
  responses: Record<string, ResponseObject>;
}

interface Parameter {
  name: string;
  in: 'query' | 'path' | 'header';
  required: boolean;
  description?: string;
  schema: JsonSchema;
  example?: unknown;
}

type MediaTypes = Record<string, { schema: JsonSchema; examples?: Record<string, Example> }>;

interface ResponseObject {
  description: string;
  headers: Record<string, { $ref: string }>;
  content?: MediaTypes;
}

export const SECURITY_SCHEMES = {
  bearer: { type: 'http', scheme: 'bearer', description: 'An API key, es_…' },
  apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'An API key, es_…' },
};

/** The operation of a route in the OpenAPI document. */
export function operationOf(route: RouteDeclaration): Operation {
  const parameters = parametersOf(route);
  return {
    operationId: route.operationId,
    tags: [route.tag],
    summary: route.summary,
    ...(route.description && { description: route.description }),
    ...(route.scope && { security: securityOf(route.scope) }),
    ...(parameters.length > 0 && { parameters }),
    ...(route.body && { requestBody: { required: true, content: mediaTypesOf(route.body, 'input') } }),
    responses: responsesOf(route),
  };
}

/** The same without the bodies of good responses. */
export function headOperationOf(
  route: RouteDeclaration,
  head: NonNullable<RouteDeclaration['head']>,
): Operation {
  const operation = operationOf(route);
  const responses = Object.entries(operation.responses).map(([status, { content: _, ...rest }]) => [
    status,
    rest,
  ]);
  return { ...operation, ...head, responses: Object.fromEntries(responses) };
}

/** A service may ask for keys; for administration it always does. */
function securityOf(scope: NonNullable<RouteDeclaration['scope']>): Record<string, string[]>[] {
  const keys = Object.keys(SECURITY_SCHEMES).map((name) => ({ [name]: [] }));
  return scope === 'admin' ? keys : [{}, ...keys];
}

function parametersOf({ pathParameters = {}, query, requestHeaders = [] }: RouteDeclaration): Parameter[] {
  return [
    ...Object.entries(pathParameters).map(
      ([name, { schema, description, example }]): Parameter => ({
        name,
        in: 'path',
        required: true,
        description,
        schema: jsonSchemaOf(schema, 'input'),
        example,
      }),
    ),
    ...(query ? queryParametersOf(query) : []),
    ...requestHeaders.map(
      (name): Parameter => ({ name, in: 'header', required: false, ...REQUEST_HEADERS[name] }),
    ),
  ];
}

const objectSchema = z.object({
  properties: z.record(z.string(), z.record(z.string(), z.unknown())),
  required: z.array(z.string()).default([]),
});

/** One parameter for each field of a schema, with its bounds, default and description. */
function queryParametersOf(schema: z.ZodObject): Parameter[] {
  const { properties, required } = objectSchema.parse(jsonSchemaOf(schema, 'input'));
  return Object.entries(properties).map(([name, { description, ...bounds }]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    ...(typeof description === 'string' && { description }),
    schema: bounds,
  }));
}

function responsesOf(route: RouteDeclaration): Record<string, ResponseObject> {
  const problems = problemResponses(route);
  const declared = Object.entries(route.responses).map(([status, declaration]): [string, ResponseObject] => {
    const response = responseOf(declaration, route);
    const problem = problems[status]?.content;
    return [status, problem ? { ...response, content: { ...response.content, ...problem } } : response];
  });
  return { ...problems, ...Object.fromEntries(declared) };
}

const EVERY_RESPONSE: ResponseHeaderName[] = ['X-Request-ID', 'X-Processing-Time-Ms'];
const LIMITED_RESPONSE: ResponseHeaderName[] = ['RateLimit-Policy', 'RateLimit'];

function responseOf(
  { description, headers = [], content }: ResponseDeclaration,
  { scope }: RouteDeclaration,
): ResponseObject {
  const names = [...EVERY_RESPONSE, ...headers, ...(scope ? LIMITED_RESPONSE : [])];
  return {
    description,
    headers: Object.fromEntries(names.map((name) => [name, referenceToHeader(name)])),
    ...(content && { content: mediaTypesOf(content, 'output') }),
  };
}

function mediaTypesOf(content: Content, io: 'input' | 'output'): MediaTypes {
  return Object.fromEntries(
    Object.entries(content).map(([mediaType, schema]) => [mediaType, mediaTypeOf(schema, io)]),
  );
}

function mediaTypeOf(schema: z.ZodType, io: 'input' | 'output'): MediaTypes[string] {
  const variants = schema instanceof z.ZodUnion ? schema.options : [schema];
  const examples = Object.assign({}, ...variants.map((variant) => EXAMPLES.get(variant)));
  return {
    schema: schemaOf(schema, io),
    ...(Object.keys(examples).length > 0 && { examples }),
  };
}

type Causes = RouteDeclaration['errors'];

/** Failures that any route can respond with. */
const ANYWHERE: Causes = {
  INTERNAL_SERVER_ERROR: 'An unexpected error occurred.',
  SERVICE_NOT_READY: 'The service is not fully configured.',
};

/** Errors of every route that has a scope, if keys or limits are configured. */
function guardCauses({ scope }: RouteDeclaration): Causes {
  if (!scope) return {};
  return {
    UNAUTHORIZED: 'Send an API key as "Authorization: Bearer" or "X-API-Key".',
    // Every key may read.
    ...(scope !== 'read' && { FORBIDDEN: `This request needs an API key with the scope "${scope}".` }),
    RATE_LIMITED: 'The limit is 600 units in 60 s.',
  };
}

/** The problem documents of a route by status, with an example of every code. */
function problemResponses(route: RouteDeclaration): Record<string, ResponseObject> {
  const causes = { ...ANYWHERE, ...guardCauses(route), ...route.errors };
  const path = examplePath(route);
  const byStatus = Map.groupBy(
    Object.entries(causes).map(([code, detail]) => ({ code: errorCodeSchema.parse(code), detail })),
    ({ code }) => statusOf(code),
  );
  return Object.fromEntries(
    [...byStatus].map(([status, problems]) => {
      const description = problems.map(({ code }) => `\`${code}\``).join(' or ');
      const response = responseOf({ description, headers: headersOf(status) }, route);
      return [String(status), { ...response, content: errorContent(route, problems, path) }];
    }),
  );
}

function errorContent(
  { errorBody }: RouteDeclaration,
  problems: { code: ErrorCode; detail: string }[],
  path: string,
): MediaTypes {
  const examples = problems.map(({ code, detail }) => [
    code,
    { value: errorBody ? { error: detail } : problemExample(code, detail, path) },
  ]);
  const schema = errorBody ? jsonSchemaOf(errorBody, 'output') : referenceTo('Problem');
  return {
    [errorBody ? 'application/json' : PROBLEM_CONTENT_TYPE]: {
      schema,
      examples: Object.fromEntries(examples),
    },
  };
}

/** Path of a request for this route. */
function examplePath({ path, pathParameters = {} }: RouteDeclaration): string {
  return path.replace(/\{\+?(\w+)\}/g, (_, name: string) => pathParameters[name]?.example ?? name);
}

function problemExample(code: ErrorCode, detail: string, path: string) {
  return problemOf(new ServiceError(code, detail), { path, id: REQUEST_ID });
}

function headersOf(status: number): ResponseHeaderName[] {
  if (status === 401 || status === 403) return ['WWW-Authenticate'];
  return [429, 502, 503].includes(status) ? ['Retry-After'] : [];
}
