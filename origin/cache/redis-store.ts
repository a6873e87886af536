import { Redis } from 'ioredis';
import type { RecordSource, RecordStore } from './record-store.ts';

/** Nobody waits for a record: this is for a Redis that hangs. */
const TIMEOUT_MS = 5_000;
const MAX_RECONNECT_DELAY_MS = 1_000;

/**
 * A Redis over TCP, `redis://` or with TLS `rediss://`, such as Upstash's own endpoint. Fails at once while it cannot be
 * reached, and connects again by itself.
 *
 * @param options with `waits`, commands wait for a connection that is being made, in which they may fail
 */
export function createRedisStore(url: string, { waits = false } = {}): RecordStore & RecordSource {
  const redis = new Redis(url, {
    enableOfflineQueue: waits,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
    connectTimeout: TIMEOUT_MS,
    retryStrategy: (attempt) => Math.min(50 * attempt, MAX_RECONNECT_DELAY_MS),
  });
  // Every failed command is reported where it is made.
  redis.on('error', () => undefined);
  return {
    async set(records, ttlSeconds) {
      // One after the other: a large payload is never in memory whole as base64.
      for (const [key, value] of records) await redis.set(key, value, 'EX', ttlSeconds);
    },
    get: (keys) => redis.mget(...keys),
    close: () => redis.disconnect(),
  };
}
