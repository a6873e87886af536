import { afterEach, expect, test, vi } from 'vitest';
import { createRedisClient, RedisRefusal, RedisUnavailable } from '../../../edge/redis/redis-client.ts';
import { CircuitBreaker } from '../../../edge/resilience/circuit-breaker.ts';

afterEach(() => vi.unstubAllGlobals());

/** A client whose Redis responds to everything with this. */
function clientOf(respond: () => Response) {
  const breaker = new CircuitBreaker({ failureThreshold: 1, cooldownMs: 1_000 });
  const formats: (string | null)[] = [];
  vi.stubGlobal('fetch', async (input: string, init: RequestInit) => {
    formats.push(new Request(input, init).headers.get('upstash-response-format'));
    return respond();
  });
  const redis = createRedisClient({ url: 'https://redis.test', token: 'token', breaker });
  return { redis, breaker, formats };
}

test('bytes are requested in Redis’ own protocol, and texts as JSON', async () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  const reply = Buffer.concat([Buffer.from('*3\r\n$256\r\n'), bytes, Buffer.from('\r\n$-1\r\n$0\r\n\r\n')]);
  const { redis, formats } = clientOf(() =>
    formats.at(-1) === 'resp2' ? new Response(new Uint8Array(reply)) : Response.json({ result: ['text'] }),
  );
  expect(await redis.getManyBytes(['a', 'b', 'c'], 100)).toEqual([bytes, null, new Uint8Array()]);
  expect(await redis.getMany(['a'], 100)).toEqual(['text']);
  expect(formats).toEqual(['resp2', null]);
});

test('a store that does not have the protocol refuses: Redis is not given up', async () => {
  for (const respond of [
    () => Response.json({ result: ['text'] }),
    () => Response.json({ error: 'ERR unsupported format' }, { status: 400 }),
    () => new Response('*1\r\n$9\r\ncut off'),
  ]) {
    const { redis, breaker } = clientOf(respond);
    await expect(redis.getManyBytes(['a'], 100)).rejects.toBeInstanceOf(RedisRefusal);
    expect(breaker.isOpen).toBe(false);
  }
});

test('a wrong token and a store that fails are failures, whose reason has no content', async () => {
  for (const [status, error, reason] of [
    [400, 'LOADING Redis is loading the dataset in memory', 'Error LOADING'],
    [401, 'WRONGPASS invalid or missing auth token', 'Error WRONGPASS'],
    [503, 'ERR Redis does not respond', 'Error ERR'],
    [500, 'features:secret', 'Error'],
  ] as const) {
    const { redis, breaker } = clientOf(() => Response.json({ error }, { status }));
    const failure = await redis.getManyBytes(['a'], 100).catch((thrown: unknown) => thrown);
    expect(failure).toBeInstanceOf(RedisUnavailable);
    expect(failure).not.toBeInstanceOf(RedisRefusal);
    expect(failure).toMatchObject({ message: reason });
    expect(breaker.isOpen).toBe(true);
  }
});
