import { expect, expectTypeOf, test } from 'vitest';
import { requiredScope } from '../../../edge/access/required-scope.ts';
import { routerPath } from '../../../edge/http/add-route.ts';
import { MEDIA_TYPES } from '../../../edge/http/negotiation.ts';
import type { MatchResponse } from '../../../shared/contract/responses.ts';
import type {
  BodyOf,
  ErrorOf,
  PathParametersOf,
  QueryOf,
  ResponseOf,
  RouteDeclaration,
} from '../../../shared/contract/route.ts';
import { ROUTES, type Routes } from '../../../shared/contract/routes/index.ts';

const routes = Object.entries<RouteDeclaration>(ROUTES);

test('every route is listed under its operation id, and no method and path twice', () => {
  for (const [name, { operationId }] of routes) expect(operationId).toBe(name);
  const addresses = routes.map(([, { method, path }]) => `${method} ${path}`);
  expect(new Set(addresses).size).toBe(addresses.length);
});

test('every path parameter is described, and every described one is in the path', () => {
  for (const [, { path, pathParameters = {} }] of routes) {
    const named = [...path.matchAll(/\{\+?(\w+)\}/g)].map(([, name]) => name);
    expect(Object.keys(pathParameters)).toEqual(named);
  }
});

test('the example of a path parameter is valid', () => {
  for (const [, { pathParameters = {} }] of routes) {
    for (const { schema, example } of Object.values(pathParameters)) {
      expect(schema.safeParse(example).success, example).toBe(true);
    }
  }
});

test('everything under /api/ and /v2/models/ takes a key of the declared scope', () => {
  for (const [, { method, path, scope, pathParameters = {} }] of routes) {
    if (!path.startsWith('/api/') && !path.startsWith('/v2/models/')) {
      expect(scope, path).toBeUndefined();
      continue;
    }
    const requested = path.replace(/\{\+?(\w+)\}/g, (_, name: string) => pathParameters[name]?.example ?? '');
    expect(requiredScope(method, requested), `${method} ${path}`).toBe(scope);
    if (method === 'GET') expect(requiredScope('HEAD', requested)).toBe(scope);
  }
});

test('what has no route takes the scope of its method, and administration that of an administrator', () => {
  expect(requiredScope('GET', '/api/v1/nothing')).toBe('read');
  expect(requiredScope('DELETE', '/api/v1/nothing')).toBe('write');
  expect(requiredScope('GET', '/api/v1/cache/nothing')).toBe('admin');
});

test("paths become the router's", () => {
  expect(routerPath('/a/{id}/b/{other}')).toBe('/a/:id/b/:other');
  expect(routerPath('/keys/{+key}')).toBe('/keys/:key{.+}');
});

test('features are declared in every media type that Accept can ask for', () => {
  for (const route of [ROUTES.detect, ROUTES.featuresByHash]) {
    expect(Object.keys(route.responses[200].content)).toEqual(MEDIA_TYPES);
  }
});

test("a client's types come from the declarations", () => {
  expectTypeOf<QueryOf<Routes['detect']>['sigma']>().toEqualTypeOf<number | undefined>();
  expectTypeOf<QueryOf<Routes['listCacheKeys']>['limit']>().toEqualTypeOf<number | undefined>();
  expectTypeOf<QueryOf<Routes['clearCacheKeys']>['pattern']>().toEqualTypeOf<string>();
  expectTypeOf<keyof QueryOf<Routes['stats']>>().toEqualTypeOf<never>();
  expectTypeOf<PathParametersOf<Routes['featuresByHash']>>().toEqualTypeOf<{ sha256: string }>();
  expectTypeOf<BodyOf<Routes['match'], 'multipart/form-data'>['image1']>().toEqualTypeOf<Blob | string>();
  expectTypeOf<ResponseOf<Routes['match']>>().toEqualTypeOf<MatchResponse>();
  expectTypeOf<ResponseOf<Routes['detect'], 'text/x-lowe-key'>>().toEqualTypeOf<string>();
  expectTypeOf<
    ResponseOf<Routes['health'], 'application/json', 503>['status']
  >().toEqualTypeOf<'unhealthy'>();
  expectTypeOf<'FEATURES_NOT_CACHED'>().toExtend<ErrorOf<Routes['featuresByHash']>['error_code']>();
  expectTypeOf<'IMAGE_READ_ERROR'>().not.toExtend<ErrorOf<Routes['featuresByHash']>['error_code']>();
});
