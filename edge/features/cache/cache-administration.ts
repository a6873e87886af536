import * as z from 'zod';
import {
  type CacheClearQuery,
  type CacheDeletionResponse,
  type CacheEntryResponse,
  type CacheListQuery,
  type CacheListResponse,
  VEHICLE_CURSOR,
} from '../../../shared/contract/cache-administration.ts';
import { LAST_DELETION_KEY, summaryKey } from '../../../shared/records/feature-records.ts';
import { recordsOf, resultKeyOf } from '../../../shared/records/result-records.ts';
import { vehicleRecordKey } from '../../../shared/records/vehicle-records.ts';
import type { RedisClient, RedisPipeline } from '../../redis/redis-client.ts';

const TIMEOUT_MS = 2_000;
/** Keys that Redis looks at in one step. */
const SCAN_COUNT = 1_000;
/** Limits the work of one request. The cursor in the response continues the listing. */
const SCANS_PER_REQUEST = 10;

/** Looks after the results in Redis. Every method throws `RedisUnavailable`. */
export class CacheAdministration {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  /** Results whose key matches, in no order; one can come twice on different pages, as SCAN says. */
  async list({ pattern, cursor, limit }: CacheListQuery): Promise<CacheListResponse> {
    const found = await this.#scan(pattern, cursor, limit);
    const ttls = await this.#ttlsOf(found.keys);
    const keys = found.keys
      .map((key, index) => ({ key: resultKeyOf(key), ttl: ttls[index] ?? GONE }))
      .filter(({ ttl }) => ttl !== GONE)
      .map(({ key, ttl }) => ({ key, ttl_s: secondsOf(ttl) }));
    return { success: true, keys, cursor: found.cursor };
  }

  /** What Redis holds under the key of a result; undefined when it is nothing. */
  async inspect(key: string): Promise<CacheEntryResponse | undefined> {
    const known = recordsOf(key);
    const keys = known.map(({ place }) => place);
    const [ttls, lengths] = await Promise.all([this.#ttlsOf(keys), this.#lengthsOf(keys)]);
    const records = known
      .map(({ name }, index) => ({
        name,
        bytes: lengths[index] ?? 0,
        ttl: ttls[index] ?? GONE,
      }))
      .filter(({ ttl }) => ttl !== GONE)
      .map(({ name, bytes, ttl }) => ({ name, bytes, ttl_s: secondsOf(ttl) }));
    const [first] = records;
    if (!first) return undefined;
    const bytes = records.reduce((sum, record) => sum + record.bytes, 0);
    return { success: true, key, ttl_s: first.ttl_s, bytes, records };
  }

  /** Deletes one result; undefined when there is none. */
  async delete(key: string): Promise<CacheDeletionResponse | undefined> {
    const deleted = await this.#unlink(recordsOf(key).map(({ place }) => place));
    if (deleted === 0) return undefined;
    return { success: true, deleted_keys: 1, deleted_records: deleted, cursor: null };
  }

  /** Deletes the results whose key matches, as many as one request may; the response's cursor leads to the rest. */
  async clear({ pattern, cursor }: CacheClearQuery): Promise<CacheDeletionResponse> {
    const found = await this.#scan(pattern, cursor, Number.POSITIVE_INFINITY);
    const keys = found.keys.map(resultKeyOf);
    const deleted = await this.#unlink(keys.flatMap((key) => recordsOf(key).map(({ place }) => place)));
    return { success: true, deleted_keys: keys.length, deleted_records: deleted, cursor: found.cursor };
  }

  /** Keys of one record of each result. */
  async #scan(
    pattern: string,
    cursor: string,
    limit: number,
  ): Promise<{ keys: string[]; cursor: string | null }> {
    const keys = new Set<string>();
    let isOfVehicles = cursor.startsWith(VEHICLE_CURSOR);
    let next = cursor.replace(VEHICLE_CURSOR, '');
    for (let scan = 0; scan < SCANS_PER_REQUEST && keys.size < limit; scan += 1) {
      // SCAN takes one pattern: first all features, then all vehicles.
      const match = isOfVehicles ? vehicleRecordKey(pattern) : summaryKey(pattern);
      const results = await this.#redis.pipeline((pipeline) => {
        pipeline.scan(next, { match, count: SCAN_COUNT });
      }, TIMEOUT_MS);
      const [[following, found]] = z.tuple([scanPageSchema]).parse(results);
      for (const key of found) keys.add(key);
      next = following;
      if (next !== '0') continue;
      if (isOfVehicles) return { keys: [...keys], cursor: null };
      isOfVehicles = true;
    }
    return { keys: [...keys], cursor: isOfVehicles ? VEHICLE_CURSOR + next : next };
  }

  #ttlsOf(keys: string[]): Promise<number[]> {
    return this.#numbers(keys, (pipeline, key) => pipeline.pttl(key));
  }

  #lengthsOf(keys: string[]): Promise<number[]> {
    return this.#numbers(keys, (pipeline, key) => pipeline.strlen(key));
  }

  async #numbers(keys: string[], add: (pipeline: RedisPipeline, key: string) => unknown): Promise<number[]> {
    if (keys.length === 0) return [];
    const results = await this.#redis.pipeline((pipeline) => {
      for (const key of keys) add(pipeline, key);
    }, TIMEOUT_MS);
    return z.array(z.number()).parse(results);
  }

  async #unlink(keys: string[]): Promise<number> {
    const results = await this.#redis.pipeline((pipeline) => {
      // Also where Redis has lost what is to be deleted: isolates may remember it.
      pipeline.set(LAST_DELETION_KEY, String(Date.now()), { ex: LAST_DELETION_TTL_S });
      if (keys.length > 0) pipeline.unlink(...keys);
    }, TIMEOUT_MS);
    return z.number().parse(results[1] ?? 0);
  }
}

const scanPageSchema = z.tuple([z.coerce.string(), z.array(z.string())]);

/** Longer than isolates live. */
const LAST_DELETION_TTL_S = 7 * 86_400;

/** What `PTTL` says of a key that is not there. */
const GONE = -2;
const WITHOUT_EXPIRY = -1;

function secondsOf(milliseconds: number): number | null {
  return milliseconds === WITHOUT_EXPIRY ? null : Math.ceil(milliseconds / 1000);
}
