import type { CacheTier } from '../../../shared/contract/answers.ts';
import { RedisUnavailable } from '../../redis/redis-client.ts';
import { type CachedFeatures, type CompleteFeatures, keyOfSummary } from '../cached-features.ts';
import type { IsolateMemory } from './isolate-memory.ts';
import type { RedisCache } from './redis-cache.ts';

export interface CacheHit extends CachedFeatures {
  tier: CacheTier;
}

/**
 * The tiers in order of nearness: isolate memory, then at most one round trip to Redis. It never fails: without
 * Redis it gives what memory still has.
 */
export class FeatureCache {
  readonly #memory: IsolateMemory;
  readonly #redis: RedisCache;

  constructor(memory: IsolateMemory, redis: RedisCache) {
    this.#memory = memory;
    this.#redis = redis;
  }

  /** Looks where no I/O is needed. */
  peek(key: string, needsPayload: boolean): CacheHit | undefined {
    const features = this.#memory.get(key, needsPayload);
    return features && { ...features, tier: 'memory' };
  }

  async get(key: string, needsPayload: boolean): Promise<CacheHit | undefined> {
    const near = this.peek(key, needsPayload);
    if (near) return near;
    try {
      const features = await this.#redis.get(key, needsPayload);
      if (features) this.#memory.put(key, features);
      // A summary may be there without the payload.
      else if (!needsPayload) this.#memory.delete(key);
      return features && { ...features, tier: 'redis' };
    } catch (error) {
      if (!(error instanceof RedisUnavailable)) throw error;
      const stale = this.#memory.getStale(key, needsPayload);
      return stale && { ...stale, tier: 'memory' };
    }
  }

  /** Found in this isolate from now on; everywhere once the returned promise is settled. */
  put(features: CompleteFeatures): Promise<void> {
    this.#memory.put(keyOfSummary(features.summary), features);
    return this.#redis.put(features);
  }

  /** In this isolate's memory alone. */
  forget(key: string): void {
    this.#memory.delete(key);
  }

  /** In this isolate's memory alone. */
  forgetAll(): void {
    this.#memory.clear();
  }
}
