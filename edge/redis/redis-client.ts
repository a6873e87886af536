import { type Pipeline, Redis } from '@upstash/redis';
import type { CircuitBreaker } from '../resilience/circuit-breaker.ts';

/** Commands of `@upstash/redis`, to be sent in one request. */
export type RedisPipeline = Pipeline;

/** The few commands that the cache needs, and any others in a pipeline; every call is one HTTP request to Upstash. */
export interface RedisClient {
  /** Values of `keys`, null where there is none. */
  getMany(keys: string[], timeoutMs: number): Promise<(string | null)[]>;
  /** The same as bytes. */
  getManyBytes(keys: string[], timeoutMs: number): Promise<(Uint8Array<ArrayBuffer> | null)[]>;
  ping(timeoutMs: number): Promise<void>;
  /** The commands that `add` puts into a pipeline, in one request; gives Redis' raw results in their order. */
  pipeline(add: (pipeline: RedisPipeline) => unknown, timeoutMs: number): Promise<unknown[]>;
}

/** Redis failed, was too slow, or is not called at the moment. */
export class RedisUnavailable extends Error {
  override readonly name: string = 'RedisUnavailable';
}

/** Redis is there, and refused this one command. */
export class RedisRefusal extends RedisUnavailable {
  override readonly name = 'RedisRefusal';
}

/**
 * `@upstash/redis` with every setting that would spoil binary-safe strings, retry behind our back, share a
 * request's promise with another request, or report on us, turned off.
 */
export function createRedisClient(options: {
  url: string;
  token: string;
  breaker: CircuitBreaker;
}): RedisClient {
  const { url, token, breaker } = options;

  const clients = { text: new Map<number, Redis>(), base64: new Map<number, Redis>() };

  function clientWith(timeoutMs: number, encoding: Encoding): Redis {
    const known = clients[encoding].get(timeoutMs);
    if (known) return known;
    const redis = new Redis({
      url,
      token,
      responseEncoding: false,
      automaticDeserialization: false,
      enableAutoPipelining: false,
      enableTelemetry: false,
      readYourWrites: false,
      // `retry: false` would still try a second time.
      retry: { retries: 0 },
      // A function: the client resolves an aborted fixed signal to a made-up result.
      signal: () => AbortSignal.timeout(timeoutMs),
    });
    if (encoding === 'base64') requestBase64(redis);
    clients[encoding].set(timeoutMs, redis);
    return redis;
  }

  async function run<Result>(
    timeoutMs: number,
    command: (redis: Redis) => Promise<Result>,
    encoding: Encoding = 'text',
  ): Promise<Result> {
    if (!breaker.tryAcquire()) throw new RedisUnavailable('not called: it failed repeatedly');
    try {
      const result = await command(clientWith(timeoutMs, encoding));
      breaker.succeed();
      return result;
    } catch (error) {
      const kind = kindOf(error);
      if (REFUSALS.test(kind)) {
        breaker.succeed();
        throw new RedisRefusal(kind);
      }
      breaker.fail();
      throw new RedisUnavailable(kind);
    }
  }

  return {
    getMany: (keys, timeoutMs) => run(timeoutMs, (redis) => redis.mget<(string | null)[]>(keys)),
    async getManyBytes(keys, timeoutMs) {
      const values = await run(timeoutMs, (redis) => redis.mget<(string | null)[]>(keys), 'base64');
      return values.map((value) => (value === null ? null : bytesOf(value)));
    },
    ping: (timeoutMs) => run(timeoutMs, async (redis) => void (await redis.ping())),
    pipeline: (add, timeoutMs) =>
      run(timeoutMs, (redis) => {
        const pipeline = redis.pipeline();
        add(pipeline);
        return pipeline.exec<unknown[]>();
      }),
  };
}

/** How Upstash sends strings: text, in which bytes that are not UTF-8 are lost, or base64. */
type Encoding = 'text' | 'base64';

/** Sends the header alone: the client's own option for it would also decode the response, into text. */
function requestBase64(redis: Redis): void {
  redis.use((request, next) =>
    next({ ...request, headers: { ...request.headers, 'Upstash-Encoding': 'base64' } }),
  );
}

/** @throws RedisRefusal */
function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.fromBase64(base64);
  } catch {
    throw new RedisRefusal('the response is not base64');
  }
}

/** Redis is there and refuses to write, or this one record is too large for it: no reason to stop reading others. */
const REFUSALS = /\b(OOM|READONLY|MISCONF|TOO_LARGE)$/;
/** Upstash's limits for one request, response or record. */
const TOO_LARGE = /\bmax (?:request|response|record|single record) size exceeded/i;

/**
 * The error's class and Redis' own code, as in `UpstashError WRONGPASS`. Not its message, which can hold the
 * whole command, payload included.
 */
function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown failure';
  if (TOO_LARGE.test(error.message.slice(0, 200))) return `${error.name} TOO_LARGE`;
  // A pipeline's says `Command 1 [ set ] failed: OOM …`.
  const code = /^(?:Command \d+ \[[^\]]*\] failed: )?([A-Z]{3,16})\b/.exec(error.message)?.[1];
  return code ? `${error.name} ${code}` : error.name;
}
