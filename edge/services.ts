import { FeatureCache } from './cache/feature-cache.ts';
import { IsolateMemory } from './cache/isolate-memory.ts';
import { RedisCache } from './cache/redis-cache.ts';
import { createRedisClient } from './cache/redis-client.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import type { Configuration } from './configuration.ts';
import type { Services } from './context.ts';
import { FeatureSource } from './feature-source.ts';
import { Health } from './health.ts';
import { OriginClient } from './origin-client.ts';
import { UploadBudget } from './upload-budget.ts';

/** Half of what an isolate has: beside uploads it holds the memory cache and answers. */
const UPLOAD_BUDGET_BYTES = 64 * 1024 * 1024;

/** For the look-up in Redis before the origin is asked. */
const LOOK_UP_MARGIN_MS = 1_000;

/** Puts the parts together, once per isolate. */
export function createServices(configuration: Configuration): Services {
  const redis = createRedisClient({
    url: configuration.UPSTASH_REDIS_REST_URL,
    token: configuration.UPSTASH_REDIS_REST_TOKEN,
    breaker: new CircuitBreaker({ failureThreshold: 3, cooldownMs: 2_000 }),
  });
  const cache = new FeatureCache(new IsolateMemory(), new RedisCache(redis, configuration.REDIS_TIMEOUT_MS));
  const origin = new OriginClient({
    url: configuration.ORIGIN_URL,
    secret: configuration.ORIGIN_SECRET,
    timeoutMs: configuration.ORIGIN_TIMEOUT_MS,
    breaker: new CircuitBreaker({ failureThreshold: 5, cooldownMs: 2_000 }),
  });
  return {
    features: new FeatureSource({
      cache,
      origin,
      extractor: configuration.EXTRACTOR,
      ttlSeconds: configuration.CACHE_TTL,
      longestWaitMs: configuration.ORIGIN_TIMEOUT_MS + LOOK_UP_MARGIN_MS,
    }),
    health: new Health({ cache, origin }),
    limits: { maxBytes: configuration.MAX_IMAGE_BYTES, maxPixels: configuration.MAX_IMAGE_PIXELS },
    uploads: new UploadBudget(UPLOAD_BUDGET_BYTES),
  };
}
