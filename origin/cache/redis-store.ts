import type { Duplex } from 'node:stream';
import { Command, Redis } from 'ioredis';
import type { RecordSource, RecordStore } from './record-store.ts';

/** No request waits for a record: this is for a Redis that hangs. */
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
      for (const [key, value] of records) await redis.sendCommand(new SetCommand(key, value, ttlSeconds));
    },
    // Replies are parts of what was received, at any offset: tensors need bytes of their own.
    get: async (keys) => (await redis.mgetBuffer(...keys)).map((value) => value && new Uint8Array(value)),
    close: () => redis.disconnect(),
  };
}

/**
 * `SET key value EX seconds`, whose value goes into the socket as it is. ioredis would copy it up to three times, which
 * for payloads is enough to have V8 collect the whole heap every few results, and would put it into its errors, and so
 * into the log.
 */
class SetCommand extends Command {
  readonly #key: string;
  readonly #value: string | Uint8Array;
  readonly #ttlSeconds: string;

  constructor(key: string, value: string | Uint8Array, ttlSeconds: number) {
    super('set', [key]);
    this.#key = key;
    this.#value = value;
    this.#ttlSeconds = String(ttlSeconds);
  }

  /** Writes all but the end of the command; ioredis writes that right after it. One system call for all of it. */
  override toWritable(socket: Duplex): string {
    socket.cork();
    process.nextTick(() => socket.uncork());
    const head = [
      '*5',
      ...bulkString('SET'),
      ...bulkString(this.#key),
      `$${Buffer.byteLength(this.#value)}`,
      '',
    ];
    socket.write(head.join('\r\n'));
    socket.write(this.#value);
    return ['', ...bulkString('EX'), ...bulkString(this.#ttlSeconds), ''].join('\r\n');
  }
}

/** Lines of a string in Redis' protocol. */
function bulkString(text: string): [length: string, text: string] {
  return [`$${Buffer.byteLength(text)}`, text];
}
