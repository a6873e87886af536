import { Redis } from '@upstash/redis';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CLIENTS, STORES, startTestGateway, type TestGateway } from './gateway-fixture.ts';

describe.each(STORES)('@upstash/redis over the %s store', (store) => {
  let gateway: TestGateway;

  beforeAll(async () => {
    gateway = await startTestGateway(store);
  });
  afterAll(() => gateway.stop());

  describe.each(Object.entries(CLIENTS))('%s', (_settings, createClient) => {
    let redis: Redis;

    beforeEach(async () => {
      redis = createClient(gateway.url);
      await redis.flushdb();
    });

    test('reads what was written', async () => {
      expect(await redis.set('greeting', 'grüß dich 👋')).toBe('OK');
      expect(await redis.get('greeting')).toBe('grüß dich 👋');
    });

    test('reads a value that is the word OK', async () => {
      await redis.set('word', 'OK');
      expect(await redis.get('word')).toBe('OK');
      expect(await redis.mget('word', 'none')).toEqual(['OK', null]);
    });

    test('gives null for keys that are not there', async () => {
      await redis.set('a', 'x');
      expect(await redis.get('none')).toBeNull();
      expect(await redis.mget('a', 'none', 'a')).toEqual(['x', null, 'x']);
    });

    test('sets a time to live, keeps it and takes it away', async () => {
      await redis.set('record', 'v', { ex: 3600 });
      expect(await redis.ttl('record')).toBe(3600);
      await redis.set('record', 'w', { keepTtl: true });
      expect(await redis.ttl('record')).toBe(3600);
      await redis.set('record', 'x');
      expect(await redis.ttl('record')).toBe(-1);
      expect(await redis.expire('record', 60)).toBe(1);
      expect(await redis.pttl('record')).toBeGreaterThan(55_000);
      expect(await redis.ttl('none')).toBe(-2);
    });

    test('forgets a key when its time is over', async () => {
      await redis.set('brief', 'v', { px: 30 });
      await expect.poll(() => redis.get('brief'), { timeout: 2000 }).toBeNull();
      expect(await redis.exists('brief')).toBe(0);
      expect(await redis.dbsize()).toBe(0);
    });

    test('sets only where a key is missing, or only where it is there', async () => {
      expect(await redis.set('lock', 'mine', { nx: true })).toBe('OK');
      expect(await redis.set('lock', 'yours', { nx: true })).toBeNull();
      expect(await redis.set('other', 'yours', { xx: true })).toBeNull();
      expect(await redis.set('lock', 'new', { xx: true, get: true })).toBe('mine');
      expect(await redis.get('lock')).toBe('new');
    });

    test('deletes', async () => {
      await redis
        .mset({ a: 'x', b: 'y' })
        .catch(() => Promise.all([redis.set('a', 'x'), redis.set('b', 'y')]));
      expect(await redis.del('a', 'b', 'none')).toBe(2);
      expect(await redis.exists('a', 'b')).toBe(0);
    });

    test('counts', async () => {
      expect(await redis.incr('hits')).toBe(1);
      expect(await redis.incrby('hits', 41)).toBe(42);
      expect(await redis.hincrby('region', 'eu', 2)).toBe(2);
      expect(await redis.hincrby('region', 'eu', -3)).toBe(-1);
    });

    test('keeps hashes', async () => {
      expect(await redis.hset('hash', { a: 'x', b: 'y' })).toBe(2);
      expect(await redis.hset('hash', { b: 'z' })).toBe(0);
      expect(await redis.hget('hash', 'b')).toBe('z');
      // Not `hgetall`: without automatic deserialization that gives the list, not the object its type says.
      expect(await redis.exec(['hgetall', 'hash'])).toEqual(['a', 'x', 'b', 'z']);
      expect(await redis.hdel('hash', 'a', 'b')).toBe(2);
      expect(await redis.exists('hash')).toBe(0);
    });

    test('keeps sets', async () => {
      expect(await redis.sadd('set', 'x', 'y', 'x')).toBe(2);
      expect((await redis.smembers('set')).toSorted()).toEqual(['x', 'y']);
      expect(await redis.srem('set', 'x', 'none')).toBe(1);
    });

    test('scans all keys once, in pages', async () => {
      const keys = Array.from({ length: 57 }, (_, index) => `feature:${String(index).padStart(3, '0')}`);
      await Promise.all(keys.map((key) => redis.set(key, 'v')));
      await redis.set('other', 'v');
      expect(await scanAll(redis, { match: 'feature:*', count: 10 })).toEqual(keys);
      expect(await scanAll(redis, { match: 'feature:05[0-3]' })).toEqual(keys.slice(50, 54));
    });

    test('runs a pipeline, where an error is the reply to its own command only', async () => {
      await redis.set('text', 'abc');
      const responses = await redis.pipeline().set('a', 'x').incr('text').get('a').exec({ keepErrors: true });
      expect(responses[0]).toMatchObject({ result: 'OK' });
      expect(responses[1]?.error).toBe('ERR value is not an integer or out of range');
      expect(responses[2]).toMatchObject({ result: 'x' });
    });

    test('runs a transaction', async () => {
      const responses = await redis.multi().set('a', 'x').incr('n').get('a').exec();
      expect(responses).toEqual(['OK', 1, 'x']);
    });

    test('runs nothing of a transaction with an invalid command', async () => {
      const transaction = redis.multi().set('a', 'x').del();
      await expect(transaction.exec()).rejects.toThrow("ERR wrong number of arguments for 'del' command");
      expect(await redis.get('a')).toBeNull();
    });

    test('says what is wrong with a command', async () => {
      await redis.set('text', 'abc');
      await expect(redis.hget('text', 'f')).rejects.toThrow(
        'WRONGTYPE Operation against a key holding the wrong kind of value',
      );
    });

    test('stores bytes as base64 without loss', async () => {
      const bytes = crypto.getRandomValues(new Uint8Array(65_536));
      await redis.set('payload', Buffer.from(bytes).toString('base64'));
      const stored = await redis.get<string>('payload');
      expect(Buffer.from(stored ?? '', 'base64').equals(bytes)).toBe(true);
    });

    test('stores a value of nearly 10 MB', async () => {
      const value = 'x'.repeat(10_000_000);
      expect(await redis.set('large', value)).toBe('OK');
      expect(await redis.strlen('large')).toBe(value.length);
    });
  });

  test('refuses a wrong token', async () => {
    const redis = new Redis({ url: gateway.url, token: 'wrong', retry: { retries: 0 } });
    await expect(redis.get('a')).rejects.toThrow('WRONGPASS invalid or missing auth token');
  });
});

async function scanAll(redis: Redis, options: { match: string; count?: number }): Promise<string[]> {
  const found: string[] = [];
  let cursor = '0';
  do {
    const [next, keys] = await redis.scan(cursor, options);
    found.push(...keys);
    cursor = String(next);
  } while (cursor !== '0');
  return found.toSorted();
}
