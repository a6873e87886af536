import type { CacheTier } from '../../shared/contract/answers.ts';
import { type CachedFeatures, type CompleteFeatures, keyOfSummary } from '../features.ts';
import type { IsolateMemory } from './isolate-memory.ts';
import type { RedisCache } from './redis-cache.ts';

export interface CacheHit extends CachedFeatures {
  tier: CacheTier;
}

/** The tiers in order of nearness: isolate memory, then at most one round trip to Redis. */
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
    const features = await this.#redis.get(key, needsPayload);
    if (!features) return undefined;
    this.#memory.put(key, features);
    return { ...features, tier: 'redis' };
  }

  /** Found in this isolate from now on; everywhere once the returned promise is settled. */
  put(features: CompleteFeatures): Promise<void> {
    this.#memory.put(keyOfSummary(features.summary), features);
    return this.#redis.put(features);
  }
}
