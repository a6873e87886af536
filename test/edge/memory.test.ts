import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createApiKey } from '../../edge/access/api-key.ts';
import { ApiKeyStore } from '../../edge/access/api-key-store.ts';
import { Authenticator } from '../../edge/access/authenticator.ts';
import { networkOf } from '../../edge/access/client-address.ts';
import { RateLimiter } from '../../edge/access/rate-limiter.ts';
import { CacheAdministration } from '../../edge/features/cache/cache-administration.ts';
import { FeatureCache } from '../../edge/features/cache/feature-cache.ts';
import { IsolateMemory } from '../../edge/features/cache/isolate-memory.ts';
import { RedisCache } from '../../edge/features/cache/redis-cache.ts';
import { RedisUnavailable } from '../../edge/redis/redis-client.ts';
import { MemoryBudget } from '../../edge/resilience/memory-budget.ts';
import { createRestStore } from '../../origin/cache/rest-store.ts';
import { DEFAULT_SIFT_PARAMETERS } from '../../shared/contract/parameters.ts';
import { FeatureRecords } from '../../shared/records/feature-records.ts';
import { keyOfSummary } from '../../shared/records/feature-summary.ts';
import { RecordAuthenticator } from '../../shared/records/record-authenticator.ts';
import { type RedisOverHttp, startRedisOverHttp } from '../fixtures/redis-over-http.ts';

/** What one isolate remembers, for how long, over a real Redis; only the calendar is made to jump. */
let service: RedisOverHttp;
beforeEach(async () => {
  service = await startRedisOverHttp();
  vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2030, 0, 1) });
});
afterEach(async () => {
  vi.useRealTimers();
  await service.stop();
});

const pass = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1000);

describe('API keys in memory', () => {
  const TIMEOUT_MS = 5_000;
  let background: Promise<unknown>[];
  const keepAlive = (work: Promise<unknown>) => void background.push(work);
  beforeEach(() => {
    background = [];
  });

  async function keyInUse() {
    const store = new ApiKeyStore(service.client, TIMEOUT_MS);
    const authenticator = new Authenticator(store);
    const { key, record } = await createApiKey({ name: 'a test', scope: 'read' });
    await store.put(record);
    expect(authenticator.recall(key, keepAlive)).toBeUndefined();
    expect(await authenticator.lookUp(key, keepAlive)).toEqual(record);
    const revoke = () => store.put({ ...record, revoked_at: new Date().toISOString() });
    return { store, authenticator, key, record, revoke };
  }

  test('a revoked key works for a minute at most', async () => {
    const { authenticator, key, record, revoke } = await keyInUse();
    await revoke();
    pass(29);
    expect(authenticator.recall(key, keepAlive)).toEqual(record);
    pass(31);
    expect(authenticator.recall(key, keepAlive)).toBeUndefined();
    expect(await authenticator.lookUp(key, keepAlive)).toBeNull();
    expect(authenticator.recall(key, keepAlive)).toBeNull();
  });

  test('a key in use is looked up in the background, and refused as soon as that says so', async () => {
    const { authenticator, key, record, revoke } = await keyInUse();
    pass(31);
    expect(authenticator.recall(key, keepAlive)).toEqual(record);
    await Promise.all(background);
    pass(31);
    expect(authenticator.recall(key, keepAlive)).toEqual(record);
    await Promise.all(background);
    await revoke();
    pass(31);
    expect(authenticator.recall(key, keepAlive)).toEqual(record);
    await Promise.all(background);
    expect(authenticator.recall(key, keepAlive)).toBeNull();
  });

  test('without Redis a known key works for its minute, then nobody says that it is good', async () => {
    const { authenticator, key, record } = await keyInUse();
    await service.redis.stop();
    pass(59);
    expect(authenticator.recall(key, keepAlive)).toEqual(record);
    await Promise.all(background);
    pass(2);
    expect(authenticator.recall(key, keepAlive)).toBeUndefined();
    await expect(authenticator.lookUp(key, keepAlive)).rejects.toMatchObject({ code: 'SERVICE_NOT_READY' });
  });

  test('a key that was tried before it existed works after some seconds', async () => {
    const store = new ApiKeyStore(service.client, TIMEOUT_MS);
    const authenticator = new Authenticator(store);
    const { key, record } = await createApiKey({ name: 'late', scope: 'read' });
    expect(await authenticator.lookUp(key, keepAlive)).toBeNull();
    await store.put(record);
    expect(authenticator.recall(key, keepAlive)).toBeNull();
    pass(5);
    expect(authenticator.recall(key, keepAlive)).toBeUndefined();
    expect(await authenticator.lookUp(key, keepAlive)).toEqual(record);
  });
});

describe('quotas of several isolates', () => {
  const policy = { limit: 10, windowSeconds: 60 };

  test('add up once they have reported, and start anew with the next window', async () => {
    const [one, other] = [new RateLimiter(policy, service.client), new RateLimiter(policy, service.client)];
    for (let request = 0; request < 6; request += 1) one.admit('a');
    await one.report();
    for (let request = 0; request < 4; request += 1) other.admit('a');
    expect(other.quotaOf('a').remaining).toBe(6);
    await other.report();
    expect(other.quotaOf('a').remaining).toBe(0);
    expect(() => other.admit('a')).toThrow(expect.objectContaining({ code: 'RATE_LIMITED' }));
    other.admit('b');
    pass(60);
    other.admit('a');
    expect(other.quotaOf('a')).toMatchObject({ remaining: 9, resetSeconds: 60 });
  });

  test('are reported once a second at most, and nothing is lost while Redis hangs', async () => {
    const [one, other] = [new RateLimiter(policy, service.client), new RateLimiter(policy, service.client)];
    one.admit('a');
    await one.report();
    one.admit('a');
    expect(one.report()).toBeUndefined();
    service.redis.pause();
    pass(1);
    await one.report();
    expect(one.quotaOf('a').remaining).toBe(8);
    service.redis.resume();
    await service.untilConnected();
    pass(1);
    await one.report();
    other.admit('a');
    await other.report();
    expect(other.quotaOf('a').remaining).toBeLessThanOrEqual(7);
  });
});

describe('results in memory', () => {
  async function cachedResult() {
    const metadata = {
      extractor: { name: 'opencv-sift', version: '1' },
      parameters: DEFAULT_SIFT_PARAMETERS,
      image: { sha256: 'a'.repeat(64), format: 'png' as const, width: 2, height: 2, bytes: 99 },
    };
    // Too large to be stored: of this result there is the summary alone.
    const payload = new Uint8Array(25 * 1024 * 1024);
    const summary = { metadata, count: 1, expiresAt: Date.now() + 3_600_000 };
    const records = new FeatureRecords(new RecordAuthenticator(['a secret']));
    const cache = new FeatureCache(
      new IsolateMemory(1024 * 1024),
      new RedisCache({
        redis: service.client,
        records,
        timeoutMs: 5_000,
        payloads: new MemoryBudget(1, 'full'),
      }),
    );
    const store = createRestStore(service);
    await store.set(await records.write(summary, payload), 3_600);
    store.close();
    cache.remember({ summary });
    return { cache, key: keyOfSummary(summary) };
  }

  test('are given out for a minute without asking Redis, then as long as Redis has them', async () => {
    const { cache, key } = await cachedResult();
    pass(59);
    expect(await cache.get(key, false)).toMatchObject({ tier: 'memory' });
    pass(1);
    expect(cache.peek(key, false)).toBeUndefined();
    expect(await cache.get(key, false)).toMatchObject({ tier: 'redis' });
    expect(await cache.get(key, false)).toMatchObject({ tier: 'memory' });
    await new CacheAdministration(service.client).delete(key);
    pass(60);
    expect(await cache.get(key, false)).toBeUndefined();
  });

  test('are still given out when Redis has lost them', async () => {
    const { cache, key } = await cachedResult();
    await service.client.pipeline((pipeline) => pipeline.flushall(), 1_000);
    pass(61);
    expect(await cache.get(key, false)).toMatchObject({ tier: 'memory' });
    await new CacheAdministration(service.client).clear({ pattern: '*', cursor: '0' });
    pass(61);
    expect(await cache.get(key, false)).toBeUndefined();
  });

  test('that are in neither place are a failure while Redis is not reachable', async () => {
    const { cache, key } = await cachedResult();
    await service.redis.stop();
    await expect(cache.get(`${key}0`, false)).rejects.toBeInstanceOf(RedisUnavailable);
  });

  test('a record larger than a response may be is a miss, and others are still found', async () => {
    const { cache, key } = await cachedResult();
    const large = 'x'.repeat(5_300_000);
    for (const part of ['a', 'b']) {
      await service.client.pipeline(
        (pipeline) => pipeline.append(`features:large:summary`, large + part),
        5_000,
      );
    }
    for (let look = 0; look < 5; look += 1) expect(await cache.get('large', false)).toBeUndefined();
    pass(60);
    expect(await cache.get(key, false)).toMatchObject({ tier: 'redis' });
  });

  test('are still given out while Redis is not reachable, until they expire', async () => {
    const { cache, key } = await cachedResult();
    await service.redis.stop();
    pass(600);
    expect(await cache.get(key, false)).toMatchObject({ tier: 'memory' });
    pass(3_000);
    await expect(cache.get(key, false)).rejects.toBeInstanceOf(RedisUnavailable);
  });
});

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:DB8:1:2::', '2001:db8:1:2::/64'],
  ['2001:db8::6', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['nonsense', 'nonsense'],
  [
    'longer than any address can be, 64 characters and more than that',
    'longer than any address can be, 64 characters and more than that'.slice(0, 64),
  ],
])('the network of %s is %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});
