import type { CacheTier } from '../../../shared/contract/responses.ts';
import { keyOfSummary } from '../../../shared/records/feature-summary.ts';
import { RedisUnavailable } from '../../redis/redis-client.ts';
import type { CachedFeatures } from '../cached-features.ts';
import type { IsolateMemory } from './isolate-memory.ts';
import type { RedisCache } from './redis-cache.ts';

export interface CacheHit extends CachedFeatures {
  tier: CacheTier;
}

/** How far the clocks of two isolates may differ. */
export const CLOCK_DRIFT_MS = 5_000;

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

  /**
   * Without Redis it gives what memory still has.
   *
   * @throws RedisUnavailable when memory has nothing and Redis is not reachable; ServiceError `OVERLOADED`
   */
  async get(key: string, needsPayload: boolean): Promise<CacheHit | undefined> {
    const near = this.peek(key, needsPayload);
    if (near) return near;
    try {
      const features = await this.#redis.get(key, needsPayload);
      if (!features) return await this.#getLost(key, needsPayload);
      this.#memory.put(key, features);
      return { ...features, tier: 'redis' };
    } catch (error) {
      if (!(error instanceof RedisUnavailable)) throw error;
      const stale = this.#memory.getStale(key, needsPayload);
      if (!stale) throw error;
      return { ...stale, tier: 'memory' };
    }
  }

  /**
   * Whether each of these results is there: what memory does not have is read from Redis in one request.
   *
   * @throws RedisUnavailable
   */
  async has(keys: string[]): Promise<boolean[]> {
    const far = keys.filter((key) => !this.peek(key, false));
    const found = new Map<string, boolean>();
    if (far.length > 0) {
      const present = await this.#redis.has(far);
      far.forEach((key, index) => {
        found.set(key, present[index] ?? false);
      });
    }
    return keys.map((key) => found.get(key) ?? true);
  }

  /** A result that Redis has evicted, or lost in a restart, is still good in memory; one that was deleted is not. */
  async #getLost(key: string, needsPayload: boolean): Promise<CacheHit | undefined> {
    const storedAt = this.#memory.storedAt(key);
    if (storedAt === undefined) return undefined;
    if ((await this.#redis.lastDeletionAt()) + CLOCK_DRIFT_MS >= storedAt) {
      this.#memory.delete(key);
      return undefined;
    }
    const stale = this.#memory.getStale(key, needsPayload);
    if (!stale) return undefined;
    this.#memory.put(key, stale);
    return { ...stale, tier: 'memory' };
  }

  /** In this isolate's memory alone: the origin shares results with the others. */
  remember(features: CachedFeatures): void {
    this.#memory.put(keyOfSummary(features.summary), features);
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
