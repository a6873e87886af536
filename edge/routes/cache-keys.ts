import type { Hono } from 'hono';
import { cacheClearQuerySchema, cacheListQuerySchema } from '../../shared/contract/cache-administration.ts';
import { ServiceError } from '../../shared/contract/errors.ts';
import { parseTextParameters } from '../../shared/contract/parameters.ts';
import { deleteCacheKey, inspectCacheKey } from '../../shared/contract/routes/cache-key.ts';
import { clearCacheKeys, listCacheKeys } from '../../shared/contract/routes/cache-keys.ts';
import type { EdgeEnvironment } from '../context.ts';
import { addRoute } from '../http/add-route.ts';
import { queryParameters } from '../http/query.ts';
import { reachingRedis } from '../redis/reaching-redis.ts';
import type { Services } from '../services.ts';

const NO_STORE = { 'Cache-Control': 'no-store' };

/**
 * `GET` and `DELETE /api/v1/cache/keys` list and clear by pattern, `…/keys/{key}` shows and deletes one
 * result. This isolate forgets at once what it deletes, others within `IsolateMemory`'s bound.
 */
export function registerCacheKeys(
  app: Hono<EdgeEnvironment>,
  { cacheAdministration, features, vehicles }: Services,
): void {
  addRoute(app, listCacheKeys, async (context) => {
    const query = parseTextParameters(cacheListQuerySchema, queryParameters(context.req.raw));
    return context.json(await reachingRedis(cacheAdministration.list(query)), 200, NO_STORE);
  });
  addRoute(app, clearCacheKeys, async (context) => {
    const query = parseTextParameters(cacheClearQuerySchema, queryParameters(context.req.raw));
    const response = await reachingRedis(cacheAdministration.clear(query));
    features.forgetAll();
    vehicles.forgetAll();
    return context.json(response, 200, NO_STORE);
  });
  addRoute(app, inspectCacheKey, async (context) => {
    const key = context.req.param('key');
    return context.json(found(key, await reachingRedis(cacheAdministration.inspect(key))), 200, NO_STORE);
  });
  addRoute(app, deleteCacheKey, async (context) => {
    const key = context.req.param('key');
    const response = await reachingRedis(cacheAdministration.delete(key));
    features.forget(key);
    vehicles.forget(key);
    return context.json(found(key, response), 200, NO_STORE);
  });
}

function found<Result>(key: string, result: Result | undefined): Result {
  if (result !== undefined) return result;
  throw new ServiceError('NOT_FOUND', 'The cache has no result for this key.', { details: { key } });
}
