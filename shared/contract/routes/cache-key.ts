import * as z from 'zod';
import { cacheDeletionResponseSchema, cacheEntryResponseSchema } from '../cache-administration.ts';
import { sha256Parameter } from '../feature-content.ts';
import { defineRoute } from '../route.ts';

const ONE_KEY = {
  path: '/api/v1/cache/keys/{+key}',
  tag: 'cache',
  scope: 'admin',
  pathParameters: {
    key: {
      schema: z.string(),
      description: 'Key of a result, as responses give it in `cache.key`, slashes included',
      example: `edgesift@1/n0-l3-c0.04-e10-s1.6/${sha256Parameter.example}`,
    },
  },
  errors: {
    SERVICE_NOT_READY: 'The cache cannot be reached at the moment.',
    NOT_FOUND: 'The cache has no result for this key.',
  },
} as const;

export const inspectCacheKey = defineRoute({
  ...ONE_KEY,
  method: 'GET',
  operationId: 'inspectCacheKey',
  summary: 'One cached result: its records, sizes and times to live',
  responses: {
    200: { description: 'The result', content: { 'application/json': cacheEntryResponseSchema } },
  },
});

export const deleteCacheKey = defineRoute({
  ...ONE_KEY,
  method: 'DELETE',
  operationId: 'deleteCacheKey',
  summary: 'Delete one cached result',
  responses: {
    200: { description: 'What was deleted', content: { 'application/json': cacheDeletionResponseSchema } },
  },
});
