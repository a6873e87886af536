import * as z from 'zod';
import { parseJson } from '../../shared/features/safetensors.ts';
import { logWarning } from '../observability/log.ts';
import type { RedisClient } from '../redis/redis-client.ts';
import { type ApiKeyRecord, apiKeyRecordSchema } from './api-key.ts';

/** One hash with a field for each key: without an expiry, so that a Redis that evicts only what expires keeps it. */
const REDIS_KEY = 'api-keys';

/** The records of API keys in Redis. Every method throws `RedisUnavailable`. */
export class ApiKeyStore {
  readonly #redis: RedisClient;
  readonly #timeoutMs: number;

  constructor(redis: RedisClient, timeoutMs: number) {
    this.#redis = redis;
    this.#timeoutMs = timeoutMs;
  }

  async find(id: string): Promise<ApiKeyRecord | undefined> {
    const [text] = await this.#redis.pipeline((pipeline) => pipeline.hget(REDIS_KEY, id), this.#timeoutMs);
    return text === null ? undefined : parseRecord(id, text);
  }

  async put(record: ApiKeyRecord): Promise<void> {
    const fields = { [record.id]: JSON.stringify(record) };
    await this.#redis.pipeline((pipeline) => pipeline.hset(REDIS_KEY, fields), this.#timeoutMs);
  }

  /** The oldest first. */
  async list(): Promise<ApiKeyRecord[]> {
    const [pairs] = await this.#redis.pipeline((pipeline) => pipeline.hgetall(REDIS_KEY), this.#timeoutMs);
    return fieldPairs(z.array(z.string()).parse(pairs))
      .map(([id, text]) => parseRecord(id, text))
      .filter((record) => record !== undefined)
      .sort((one, other) => one.created_at.localeCompare(other.created_at));
  }
}

function fieldPairs(items: string[]): [string, string][] {
  return items.flatMap((item, index) => (index % 2 ? [] : [[item, items[index + 1] ?? '']]));
}

function parseRecord(id: string, text: unknown): ApiKeyRecord | undefined {
  const record = apiKeyRecordSchema.safeParse(typeof text === 'string' ? parseJson(text) : undefined).data;
  if (!record) logWarning('record of an API key damaged', { id });
  return record;
}
