import { type Pipeline, Redis } from '@upstash/redis';
import { isRecord, parseJson } from '../../shared/features/safetensors.ts';
import type { CircuitBreaker } from '../resilience/circuit-breaker.ts';
import { Resp2Error, stringsOfReply } from './resp2.ts';

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

  const clients = new Map<number, Redis>();

  function clientWith(timeoutMs: number): Redis {
    const known = clients.get(timeoutMs);
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
    clients.set(timeoutMs, redis);
    return redis;
  }

  async function run<Result>(command: () => Promise<Result>): Promise<Result> {
    if (!breaker.tryAcquire()) throw new RedisUnavailable('not called: it failed repeatedly');
    try {
      const result = await command();
      breaker.succeed();
      return result;
    } catch (error) {
      const kind = kindOf(error);
      if (REFUSALS.test(kind) || error instanceof Resp2Error) {
        breaker.succeed();
        throw new RedisRefusal(kind);
      }
      breaker.fail();
      throw new RedisUnavailable(kind);
    }
  }

  return {
    getMany: (keys, timeoutMs) => run(() => clientWith(timeoutMs).mget<(string | null)[]>(keys)),
    getManyBytes: (keys, timeoutMs) => run(() => getBytes(options, keys, timeoutMs)),
    ping: (timeoutMs) => run(async () => void (await clientWith(timeoutMs).ping())),
    pipeline: (add, timeoutMs) =>
      run(() => {
        const pipeline = clientWith(timeoutMs).pipeline();
        add(pipeline);
        return pipeline.exec<unknown[]>();
      }),
  };
}

/**
 * `MGET` without the client, which takes JSON alone: for that, bytes would have to be base64, and be in memory four times
 * until they are bytes again. In Redis' own protocol they arrive as they are.
 */
async function getBytes(
  { url, token }: { url: string; token: string },
  keys: string[],
  timeoutMs: number,
): Promise<(Uint8Array<ArrayBuffer> | null)[]> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${token}`,
      'Content-Type': 'application/json',
      'Upstash-Response-Format': 'resp2',
    },
    body: JSON.stringify(['mget', ...keys]),
    signal: AbortSignal.timeout(timeoutMs),
    // The token is for this host alone.
    redirect: 'manual',
  });
  if (response.ok) return stringsOfReply(new Uint8Array(await response.arrayBuffer()));
  const message = errorMessage(await response.text());
  // A store that does not have this format says so with ERR, and everything else works there. Other codes, such as
  // LOADING, are failures of Redis.
  const isRefused = response.status === 400 && message.startsWith('ERR ');
  throw isRefused ? new Resp2Error(message) : new Error(message);
}

/** Of `-ERR …`, or of `{"error": "ERR …"}`, which a wrong token gets for any format. */
function errorMessage(text: string): string {
  const problem = parseJson(text);
  return isRecord(problem) && typeof problem.error === 'string' ? problem.error : text.replace(/^-/, '');
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
