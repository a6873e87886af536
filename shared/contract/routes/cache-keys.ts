import {
  cacheClearQuerySchema,
  cacheDeletionResponseSchema,
  cacheListQuerySchema,
  cacheListResponseSchema,
} from '../cache-administration.ts';
import { defineRoute } from '../route.ts';

const ERRORS = {
  SERVICE_NOT_READY: 'The cache cannot be reached at the moment.',
  INVALID_PARAMETER: "Unknown parameter 'patern'.",
} as const;

export const listCacheKeys = defineRoute({
  method: 'GET',
  path: '/api/v1/cache/keys',
  operationId: 'listCacheKeys',
  tag: 'cache',
  scope: 'admin',
  summary: 'Cached results by pattern, page by page',
  description:
    'A page may be empty or longer than `limit`, and a key can come twice: continue until `cursor` is null.',
  query: cacheListQuerySchema,
  responses: { 200: { description: 'A page', content: { 'application/json': cacheListResponseSchema } } },
  errors: ERRORS,
});

export const clearCacheKeys = defineRoute({
  method: 'DELETE',
  path: '/api/v1/cache/keys',
  operationId: 'clearCacheKeys',
  tag: 'cache',
  scope: 'admin',
  summary: 'Delete cached results by pattern',
  description:
    'Each request does a bounded part of the work. Repeat it with the new `cursor` until `cursor` is null.',
  query: cacheClearQuerySchema,
  responses: {
    200: { description: 'What was deleted', content: { 'application/json': cacheDeletionResponseSchema } },
  },
  errors: ERRORS,
});
