import { createHash } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import {
  cacheDeletionResponseSchema,
  cacheEntryResponseSchema,
  cacheListResponseSchema,
} from '../../shared/contract/cache-administration.ts';
import { payloadKey, summaryKey } from '../../shared/records/feature-records.ts';
import { postImage, readDetection, readProblem } from '../fixtures/edge-client.ts';
import { type EdgeStack, startEdgeStack } from '../fixtures/edge-stack.ts';
import { newImage } from '../fixtures/images.ts';
import { inThorough, isShownOn } from '../fixtures/thorough.ts';
import { createKey, createKeyByCommand, runTool } from '../fixtures/tool.ts';
import { until } from '../fixtures/until.ts';

const runtime = inject('runtime');
const isWanted = isShownOn(runtime);

const KEYS = '/api/v1/cache/keys';

/** What an administrator sees of the cache, the same on every runtime. */
describe.runIf(isWanted)(inThorough(`cache administration on ${runtime}`, isWanted), () => {
  let stack: EdgeStack;
  let redis: Redis;
  let headers: Record<string, string>;
  beforeAll(async () => {
    // Ample time for Redis, so that a busy machine makes no misses of hits.
    stack = await startEdgeStack({ runtime, edgeEnvironment: { REDIS_TIMEOUT_MS: '3000' } });
    redis = new Redis(stack.redis.url);
    headers = { Authorization: `Bearer ${await createKey(stack.redisEnvironment, 'admin')}` };
  });
  beforeEach(async () => {
    const keys = [...(await redis.keys('features:*')), ...(await redis.keys('vehicles:*'))];
    if (keys.length > 0) await redis.del(...keys);
  });
  afterAll(async () => {
    redis?.disconnect();
    await stack?.stop();
  });

  const call = (method: string, path: string) => fetch(stack.url + path, { method, headers });
  const tool = (...parameters: string[]) => runTool('cache', parameters, stack.redisEnvironment);
  const listAll = async (pattern: string, limit: number) => {
    const pages: string[][] = [];
    for (let cursor: string | null = '0'; cursor !== null; ) {
      const query = new URLSearchParams({ pattern, cursor, limit: String(limit) });
      const page = cacheListResponseSchema.parse(await (await call('GET', `${KEYS}?${query}`)).json());
      pages.push(page.keys.map(({ key }) => key));
      cursor = page.cursor;
    }
    return pages;
  };
  /** Keys that look like results, without the work. */
  const fill = async (prefix: string, count: number) => {
    const pipeline = redis.pipeline();
    const keys = Array.from({ length: count }, (_, index) => `${prefix}/${index}`);
    for (const key of keys) pipeline.set(`features:${key}:summary`, 'x', 'EX', 1000);
    await pipeline.exec();
    return keys;
  };
  /** A real result in memory and Redis; gives its image and key. */
  const cacheResult = async () => {
    const image = await newImage();
    const { cache } = await readDetection(await postImage(stack.url, image));
    await until('it is in Redis', async () => (await redis.exists(`features:${cache.key}:summary`)) === 1);
    return { image, key: cache.key };
  };

  test('lists every key once around, page by page', async () => {
    const keys = await fill('engine@1', 3_500);
    for (let index = 0; index < 1_500; index += 1) {
      const key = `vehicle@7/auto/${index}`;
      keys.push(key);
      await redis.set(`vehicles:${key}`, 'x', 'EX', 1000);
    }
    const pages = await listAll('*', 1_000);
    expect(pages.length).toBeGreaterThan(1);
    expect([...new Set(pages.flat())].toSorted()).toEqual(keys.toSorted());
  });

  test('lists by pattern, with the time that is left', async () => {
    await fill('engine@1', 30);
    const { image, key } = await cacheResult();
    const sha256 = createHash('sha256').update(image).digest('hex');
    const parsed = await (await call('GET', `${KEYS}?pattern=*/${sha256}`)).json();
    const { keys, cursor } = cacheListResponseSchema.parse(parsed);
    expect([keys.map((found) => found.key), cursor]).toEqual([[key], null]);
    expect(keys[0]?.ttl_s).toBeGreaterThan(3500);
    expect(keys[0]?.ttl_s).toBeLessThanOrEqual(3600);
  });

  test('inspects one: its records, their sizes and times', async () => {
    const { key } = await cacheResult();
    const response = await call('GET', `${KEYS}/${key}`);
    expect(response.headers.get('cache-control')).toBe('no-store');
    const entry = cacheEntryResponseSchema.parse(await response.json());
    expect(entry.records.map(({ name }) => name)).toEqual(['summary', 'payload:0']);
    for (const { name, bytes, ttl_s } of entry.records) {
      expect(bytes).toBe(await redis.strlen(name === 'summary' ? summaryKey(key) : payloadKey(key, 0)));
      expect(ttl_s).toBeGreaterThan(3500);
    }
    expect(entry.bytes).toBe(entry.records.reduce((sum, { bytes }) => sum + bytes, 0));
  });

  test('deletes one: at once a miss here, and gone from Redis', async () => {
    const { image, key } = await cacheResult();
    const other = await cacheResult();
    const response = await call('DELETE', `${KEYS}/${key}`);
    expect(cacheDeletionResponseSchema.parse(await response.json())).toMatchObject({
      deleted_keys: 1,
      deleted_records: 2,
    });
    expect(await redis.keys(`features:${key}:*`)).toEqual([]);
    expect((await postImage(stack.url, image)).headers.get('x-cache')).toBe('MISS');
    expect((await postImage(stack.url, other.image)).headers.get('x-cache')).toBe('HIT memory');
  });

  test('clears by pattern, a bounded number at a time, and nothing else', async () => {
    await fill('engine@1', 12_000);
    const kept = await fill('engine@2', 10);
    const { image } = await cacheResult();
    let deleted = 0;
    const cursors: string[] = [];
    for (let cursor: string | null = '0'; cursor !== null; ) {
      const response = await call('DELETE', `${KEYS}?pattern=engine@1/*&cursor=${cursor}`);
      const parsed = cacheDeletionResponseSchema.parse(await response.json());
      deleted += parsed.deleted_keys;
      cursor = parsed.cursor;
      if (cursor !== null) cursors.push(cursor);
    }
    expect(deleted).toBe(12_000);
    expect(cursors.length).toBeGreaterThan(0);
    expect((await listAll('engine@2/*', 100)).flat().toSorted()).toEqual(kept.toSorted());
    expect((await postImage(stack.url, image)).headers.get('x-cache')).toBe('HIT redis');
    expect(await redis.exists('api-keys')).toBe(1);
  });

  test('what is not there is 404, what makes no sense 400', async () => {
    for (const method of ['GET', 'DELETE']) {
      expect(await readProblem(await call(method, `${KEYS}/no/such/key`))).toMatchObject({
        error_code: 'NOT_FOUND',
      });
    }
    for (const [method, query, parameter] of [
      ['DELETE', '', 'pattern'],
      ['GET', '?cursor=next', 'cursor'],
      ['GET', '?limit=0', 'limit'],
      ['GET', '?colour=red', 'colour'],
    ] as const) {
      const problem = await readProblem(await call(method, KEYS + query));
      expect(problem).toMatchObject({ error_code: 'INVALID_PARAMETER', details: { parameter } });
    }
  });

  test('the command lists, inspects, deletes and clears the same', async () => {
    await fill('engine@1', 2_500);
    const { key } = await cacheResult();
    const listed = await tool('list', 'engine@1/*');
    expect([listed.lines.length, listed.lines.at(-1)]).toEqual([2_501, '2500 results']);
    expect((await tool('inspect', key)).lines).toEqual([
      expect.stringMatching(/^summary {2}\d+ bytes {2}expires in \d+ s$/),
      expect.stringMatching(/^payload:0 {2}\d+ bytes/),
      expect.stringMatching(/^\d+ bytes$/),
    ]);
    expect((await tool('delete', key)).lines[0]).toContain('2 records');
    expect((await tool('clear', '*')).lines[0]).toContain('2500 results');
    expect(await redis.keys('features:*')).toEqual([]);
  });

  test('commands say what is wrong, and end with 1', async () => {
    expect(await tool('inspect', 'no/such/key')).toMatchObject({
      code: 1,
      problem: expect.stringContaining('Nothing is cached'),
    });
    expect(await tool('clear')).toMatchObject({ code: 1, problem: expect.stringContaining('usage:') });
    expect(await runTool('keys', ['create', '--scope', 'all', '--name', 'x'], {})).toMatchObject({
      code: 1,
      problem: expect.stringContaining('scope must be'),
    });
    expect(await runTool('keys', ['revoke', 'nobody'], stack.redisEnvironment)).toMatchObject({
      code: 1,
      problem: expect.stringContaining('no key nobody'),
    });
    const nowhere = { UPSTASH_REDIS_REST_URL: 'http://127.0.0.1:9', UPSTASH_REDIS_REST_TOKEN: 'x' };
    expect(await runTool('keys', ['list'], nowhere)).toMatchObject({
      code: 1,
      problem: expect.stringContaining('Redis failed'),
    });
  });

  test('the command lists keys with scope, name and state, and never the key', async () => {
    const key = await createKeyByCommand(stack.redisEnvironment, 'read');
    const id = key.split('_')[1] ?? '';
    await runTool('keys', ['revoke', `es_${id}_…`], stack.redisEnvironment);
    const { lines } = await runTool('keys', ['list'], stack.redisEnvironment);
    expect(lines.map((line) => line.split(/ {2,}/)).find(([shown]) => shown?.includes(id))).toEqual([
      `es_${id}_…`,
      'read',
      expect.stringMatching(/^created \d{4}-/),
      expect.stringMatching(/^revoked \d{4}-/),
      'a read test',
    ]);
    expect(lines.join()).not.toContain(key.split('_')[2]);
  });
});
