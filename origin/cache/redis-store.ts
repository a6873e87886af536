import { type ChainableCommander, Redis } from 'ioredis';
import type { RecordSource, RecordStore } from './record-store.ts';

/** No request waits for a record: this is for a Redis that hangs. */
const TIMEOUT_MS = 5_000;
/** Records are sent together up to here: a large payload is never in memory whole as base64. */
const BATCH_BYTES = 1024 * 1024;
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
      let [batch, bytes] = [redis.pipeline(), 0];
      for (const [key, value] of records) {
        batch.set(key, argumentOf(value), 'EX', ttlSeconds);
        bytes += value.length;
        if (bytes < BATCH_BYTES) continue;
        await send(batch);
        [batch, bytes] = [redis.pipeline(), 0];
      }
      await send(batch);
    },
    get: (keys) => redis.mget(...keys),
    close: () => redis.disconnect(),
  };
}

/** Of bytes, ioredis takes a Buffer alone. */
function argumentOf(value: string | Uint8Array): string | Buffer {
  return typeof value === 'string' ? value : Buffer.from(value.buffer, value.byteOffset, value.length);
}

/** @throws Error of the first command that failed */
async function send(batch: ChainableCommander): Promise<void> {
  for (const [error] of (await batch.exec()) ?? []) if (error) throw error;
}
