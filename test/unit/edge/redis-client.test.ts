import { afterEach, expect, test, vi } from 'vitest';
import { createRedisClient, RedisRefusal } from '../../../edge/redis/redis-client.ts';
import { CircuitBreaker } from '../../../edge/resilience/circuit-breaker.ts';
import '../../fixtures/uint8array-base64.ts';

afterEach(() => vi.unstubAllGlobals());

/** A client whose Redis responds to everything with these values. */
function clientOf(values: (string | null)[]) {
  const breaker = new CircuitBreaker({ failureThreshold: 1, cooldownMs: 1_000 });
  const encodings: (string | null)[] = [];
  vi.stubGlobal('fetch', async (input: string, init: RequestInit) => {
    encodings.push(new Request(input, init).headers.get('upstash-encoding'));
    return Response.json({ result: values });
  });
  const redis = createRedisClient({ url: 'https://redis.test', token: 'token', breaker });
  return { redis, breaker, encodings };
}

test('bytes are requested as base64, and texts as they are', async () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  const { redis, encodings } = clientOf([Buffer.from(bytes).toString('base64'), null, '']);
  expect(await redis.getManyBytes(['a', 'b', 'c'], 100)).toEqual([bytes, null, new Uint8Array()]);
  await redis.getMany(['a'], 100);
  await redis.getManyBytes(['a'], 100);
  expect(encodings).toEqual(['base64', null, 'base64']);
});

test('a response that is not base64 is a refusal: Redis is not given up', async () => {
  const { redis, breaker } = clientOf(['{"not":"base64"}']);
  await expect(redis.getManyBytes(['a'], 100)).rejects.toBeInstanceOf(RedisRefusal);
  expect(breaker.isOpen).toBe(false);
});
