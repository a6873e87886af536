import {
  cacheClearQuerySchema,
  cacheListQuerySchema,
} from '../../../shared/contract/cache-administration.ts';
import { CACHE_DELETION_EXAMPLE, CACHE_ENTRY_EXAMPLE, CACHE_LIST_EXAMPLE, FEATURE_KEY } from '../examples.ts';
import {
  type Causes,
  json,
  type Operation,
  type Parameter,
  problems,
  queryParameters,
  response,
} from '../operation.ts';

const KEYS = '/api/v1/cache/keys';
const KEY = '/api/v1/cache/keys/{key}';

const keyParameter: Parameter = {
  name: 'key',
  in: 'path',
  required: true,
  description: 'Feature key, as answers give it in `cache.key`, slashes included',
  schema: { type: 'string' },
  example: FEATURE_KEY,
};

const CAUSES: Causes = {
  SERVICE_NOT_READY: 'The cache cannot be reached at the moment.',
};
const LIST_CAUSES: Causes = { ...CAUSES, INVALID_PARAMETER: "There is no parameter 'patern'." };
const KEY_CAUSES: Causes = { ...CAUSES, NOT_FOUND: 'Nothing is cached under this key.' };

export const listKeys: Operation = {
  method: 'get',
  path: KEYS,
  operationId: 'listCacheKeys',
  tag: 'cache',
  summary: 'Cached results by pattern, page by page',
  description:
    'A page may be empty or longer than `limit`, and a key can come twice: go on until `cursor` is null.',
  parameters: queryParameters(cacheListQuerySchema),
  responses: {
    200: response('A page', [], json('CacheList', CACHE_LIST_EXAMPLE)),
    ...problems(KEYS, LIST_CAUSES),
  },
};

export const clearKeys: Operation = {
  method: 'delete',
  path: KEYS,
  operationId: 'clearCacheKeys',
  tag: 'cache',
  summary: 'Delete cached results by pattern',
  description: 'A bounded part of the work: repeat it with the new `cursor` until that is null.',
  parameters: queryParameters(cacheClearQuerySchema),
  responses: {
    200: response('What was deleted', [], json('CacheDeletion', CACHE_DELETION_EXAMPLE)),
    ...problems(KEYS, LIST_CAUSES),
  },
};

export const inspectKey: Operation = {
  method: 'get',
  path: KEY,
  operationId: 'inspectCacheKey',
  tag: 'cache',
  summary: 'One cached result: its records, sizes and times to live',
  parameters: [keyParameter],
  responses: {
    200: response('The result', [], json('CacheEntry', CACHE_ENTRY_EXAMPLE)),
    ...problems(`${KEYS}/${FEATURE_KEY}`, KEY_CAUSES),
  },
};

export const deleteKey: Operation = {
  method: 'delete',
  path: KEY,
  operationId: 'deleteCacheKey',
  tag: 'cache',
  summary: 'Delete one cached result',
  parameters: [keyParameter],
  responses: {
    200: response('What was deleted', [], json('CacheDeletion', CACHE_DELETION_EXAMPLE)),
    ...problems(`${KEYS}/${FEATURE_KEY}`, KEY_CAUSES),
  },
};
