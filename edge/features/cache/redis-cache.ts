import { BYTES_PER_KEYPOINT } from '../../../shared/features/payload.ts';
import {
  type FeatureRecords,
  LAST_DELETION_KEY,
  PAYLOAD_PART_BYTES,
  payloadKey,
  summaryKey,
} from '../../../shared/records/feature-records.ts';
import type { StoredSummary } from '../../../shared/records/summary-text.ts';
import { logWarning } from '../../observability/log.ts';
import { type RedisClient, RedisRefusal } from '../../redis/redis-client.ts';
import type { MemoryBudget, MemoryLease } from '../../resilience/memory-budget.ts';
import type { CachedFeatures } from '../cached-features.ts';

/** A payload is megabytes where a summary is one kilobyte. */
export const PAYLOAD_TIMEOUT_FACTOR = 4;
/** A question about a thousand keys is as long as a hundred summaries. */
const MANY_KEYS_TIMEOUT_FACTOR = 4;

/** A payload that is read is there as a part of the response, and as bytes of its own. */
const COPIES_OF_PAYLOAD = 2;
/**
 * How large its first part is shows only when it is there: it is expected to be like those before it, the largest of which
 * fade. The summary, which comes with the first part, has the number of parts.
 */
const FIRST_EXPECTED_BYTES = 1024 * 1024;
/** After 26 small payloads a large one is forgotten. */
const FADING = 0.87;

/** The shared tier: results in Redis, which origins write. A damaged record is a miss. */
export class RedisCache {
  readonly #redis: RedisClient;
  readonly #records: FeatureRecords;
  readonly #timeoutMs: number;
  readonly #payloads: MemoryBudget;
  #expectedBytes = FIRST_EXPECTED_BYTES;

  /** @param options `payloads` bounds the bytes of payloads that are read at one time */
  constructor(options: {
    redis: RedisClient;
    records: FeatureRecords;
    timeoutMs: number;
    payloads: MemoryBudget;
  }) {
    this.#redis = options.redis;
    this.#records = options.records;
    this.#timeoutMs = options.timeoutMs;
    this.#payloads = options.payloads;
  }

  /** @throws RedisUnavailable; ServiceError `OVERLOADED` when there was no memory for the payload */
  async get(key: string, needsPayload: boolean): Promise<CachedFeatures | undefined> {
    try {
      return await (needsPayload ? this.#getInTurn(key) : this.#getSummary(key));
    } catch (error) {
      if (!(error instanceof RedisRefusal)) throw error;
      logWarning('cache record not readable', { key, reason: error.message });
      return undefined;
    }
  }

  /**
   * Whether each of these results has a record.
   *
   * @throws RedisUnavailable
   */
  async has(keys: string[]): Promise<boolean[]> {
    const counts = await this.#redis.pipeline((pipeline) => {
      for (const key of keys) pipeline.exists(summaryKey(key));
    }, this.#timeoutMs * MANY_KEYS_TIMEOUT_FACTOR);
    return counts.map((count) => count === 1);
  }

  /**
   * When a result was last deleted on purpose, in milliseconds since the Unix epoch; 0 for never.
   *
   * @throws RedisUnavailable
   */
  async lastDeletionAt(): Promise<number> {
    const [text] = await this.#redis.getMany([LAST_DELETION_KEY], this.#timeoutMs);
    return Number(text ?? 0);
  }

  async #getSummary(key: string): Promise<CachedFeatures | undefined> {
    const [record] = await this.#redis.getMany([summaryKey(key)], this.#timeoutMs);
    if (!record) return undefined;
    const found = await this.#records.readSummary(key, record);
    if (!found) logWarning('cache record damaged', { key });
    return found && { summary: found.summary };
  }

  async #getInTurn(key: string): Promise<CachedFeatures | undefined> {
    const lease = await this.#payloads.acquire(COPIES_OF_PAYLOAD * this.#expectedBytes);
    try {
      const features = await this.#getFeatures(key, lease);
      if (features?.payload) {
        const bytes = Math.min(features.payload.length, PAYLOAD_PART_BYTES);
        this.#expectedBytes = Math.max(bytes, FADING * this.#expectedBytes);
      }
      return features;
    } finally {
      lease.release();
    }
  }

  /** One round trip, but for payloads of several parts: these take a second one, for all other parts at once. */
  async #getFeatures(key: string, lease: MemoryLease): Promise<CachedFeatures | undefined> {
    const timeoutMs = this.#timeoutMs * PAYLOAD_TIMEOUT_FACTOR;
    const [record, first = null] = await this.#redis.getManyBytes(
      [summaryKey(key), payloadKey(key, 0)],
      timeoutMs,
    );
    if (!record) return undefined;
    const stored = await this.#records.readSummary(key, record);
    if (stored && !stored.payload) return undefined;
    const parts = stored?.payload?.parts ?? 1;
    if (stored && parts > 1) await lease.resize(COPIES_OF_PAYLOAD * sizeOf(stored));
    const payload = stored && (await this.#getPayload(key, first, stored, timeoutMs));
    if (payload) return { summary: stored.summary, payload };
    logWarning('cache record damaged or without its payload', { key });
    return undefined;
  }

  async #getPayload(
    key: string,
    first: Uint8Array<ArrayBuffer> | null,
    stored: StoredSummary,
    timeoutMs: number,
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const parts = stored.payload?.parts ?? 1;
    // Upstash bounds a response's length: each of these parts fills one.
    const others = await Promise.allSettled(
      Array.from({ length: parts - 1 }, (_, index) =>
        this.#redis.getManyBytes([payloadKey(key, index + 1)], timeoutMs),
      ),
    );
    // Only now: where one fails, the others still arrive, and take room.
    const failed = others.find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
    const values = others.flatMap((part) => (part.status === 'fulfilled' ? part.value : []));
    return this.#records.readPayload([first, ...values], stored);
  }
}

/** Bytes of a payload, by its summary; its header takes less than the last number. */
function sizeOf({ summary }: StoredSummary): number {
  return summary.count * BYTES_PER_KEYPOINT + 16 * 1024;
}
