import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createRedisStore } from '../../origin/cache/redis-store.ts';
import {
  type KeyValue,
  PAYLOAD_PART_BYTES,
  payloadKey,
  summaryKey,
} from '../../shared/records/feature-records.ts';
import { type RedisServer, startRedisServer } from '../fixtures/redis-server.ts';
import { until } from '../fixtures/until.ts';

let redis: RedisServer;
let client: Redis;
let store: ReturnType<typeof createRedisStore>;

beforeEach(async () => {
  redis = await startRedisServer();
  client = new Redis(redis.url);
  client.on('error', () => undefined);
  store = createRedisStore(redis.url, { waits: true });
});
afterEach(async () => {
  store.close();
  client.disconnect();
  await redis.stop();
});

const EVERY_BYTE = Uint8Array.from({ length: 256 }, (_, byte) => byte);

/** Records of a result whose payload has one full part and these many bytes more. */
function recordsOf(key: string, moreBytes: number): KeyValue[] {
  const payload = new Uint8Array(randomBytes(PAYLOAD_PART_BYTES + moreBytes));
  return [
    [payloadKey(key, 0), payload.subarray(0, PAYLOAD_PART_BYTES)],
    [payloadKey(key, 1), payload.subarray(PAYLOAD_PART_BYTES)],
    [summaryKey(key), `the summary of ${key} in UTF-8: ä€😀`],
  ];
}

async function expectStored(records: readonly KeyValue[]): Promise<void> {
  const found = await store.get(records.map(([key]) => key));
  for (const [index, [key, value]] of records.entries()) {
    expect(Buffer.from(value).equals(found[index] ?? new Uint8Array()), key).toBe(true);
  }
}

test('any bytes and texts, from anywhere in their buffer, with their time to live', async () => {
  const records: KeyValue[] = [
    ['every byte', EVERY_BYTE],
    ['a part', EVERY_BYTE.subarray(100, 203)],
    ['nothing', new Uint8Array()],
    ['lines', new TextEncoder().encode('\r\n$3\r\n')],
    ['ключ', 'текст'],
  ];
  await store.set(records, 60);
  await expectStored(records);
  expect(await store.get(['none', 'nothing'])).toEqual([null, new Uint8Array()]);
  for (const [key] of records) expect(await client.ttl(key)).toBeGreaterThan(50);
});

test('what is read has a buffer of its own', async () => {
  await store.set(
    [
      ['a', EVERY_BYTE],
      ['b', EVERY_BYTE],
    ],
    60,
  );
  for (const value of await store.get(['a', 'b'])) {
    expect([value?.byteOffset, value?.buffer.byteLength]).toEqual([0, 256]);
  }
});

test('many at one time, large and small, with other commands in between', async () => {
  const results = Array.from({ length: 4 }, (_, index) => recordsOf(`key-${index}`, 1 + 1000 * index));
  const read = async (key: string) =>
    expect([null, 256]).toContain((await store.get([key]))[0]?.length ?? null);
  await Promise.all(
    results.flatMap((records, index) => [
      store.set(records, 60),
      store.set([[`small-${index}`, EVERY_BYTE]], 60),
      read(`small-${index}`),
    ]),
  );
  for (const records of results) await expectStored(records);
});

test('a Redis that takes nothing for a while gets the rest when it goes on', async () => {
  const records = recordsOf('slow', 5_000_000);
  await store.get(['connected']);
  redis.pause();
  const stored = store.set(records, 60);
  await sleep(300);
  redis.resume();
  await stored;
  await expectStored(records);
});

test('a summary whose payload is refused is not stored, and the error has no payload', async () => {
  await client.call('ACL', 'SETUSER', 'default', 'resetkeys', '~*:summary');
  const error: unknown = await store.set(recordsOf('refused', 1), 60).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ message: expect.stringContaining('NOPERM') });
  expect(JSON.stringify(error).length).toBeLessThan(500);
  await client.call('ACL', 'SETUSER', 'default', 'allkeys');
  expect(await client.keys('*')).toEqual([]);
});

test('a Redis that ends meanwhile is an error, and one that is back is used again', async () => {
  const hasty = createRedisStore(redis.url);
  try {
    await until('it is connected', () =>
      hasty.get(['a']).then(
        () => true,
        () => false,
      ),
    );
    redis.pause();
    const failure = expect(hasty.set(recordsOf('cut', 1), 60)).rejects.toThrow();
    await redis.stop();
    await failure;
    await expect(hasty.set([['a', EVERY_BYTE]], 60)).rejects.toThrow();
    redis = await startRedisServer({ port: redis.port });
    const records = recordsOf('later', 1);
    await until('it is stored', () =>
      hasty.set(records, 60).then(
        () => true,
        () => false,
      ),
    );
    await expectStored(records);
  } finally {
    hasty.close();
  }
});
