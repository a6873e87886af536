import { expect, test } from 'vitest';
import type { Reply } from '../../gateway/backend.ts';
import { createEmbeddedBackend } from '../../gateway/embedded/embedded-backend.ts';

function createStore({ maxBytes = 1_000_000 } = {}) {
  let time = 1000;
  const backend = createEmbeddedBackend({ maxBytes, clock: { now: () => time } });
  const run = async (name: string, ...parameters: string[]): Promise<Reply | undefined> =>
    (await backend.pipeline([[name, ...parameters]]))[0];
  return { run, pass: (milliseconds: number) => (time += milliseconds) };
}

test('drops the least recently used keys, and only as many as it must', async () => {
  const { run } = createStore({ maxBytes: 10_000 });
  for (let index = 0; index < 8; index++) await run('SET', `key${index}`, 'x'.repeat(1000));
  await run('GET', 'key0');
  for (let index = 8; index < 10; index++) await run('SET', `key${index}`, 'x'.repeat(1000));
  expect(await run('EXISTS', 'key0', 'key9')).toBe(2);
  expect(await run('EXISTS', 'key1', 'key2')).toBe(0);
  expect(await run('EXISTS', 'key3', 'key4', 'key5', 'key6', 'key7', 'key8')).toBe(6);
});

test('never holds more than its bound, hashes and sets included', async () => {
  const maxBytes = 100_000;
  const { run } = createStore({ maxBytes });
  for (let index = 0; index < 500; index++) {
    await run('SET', `string${index}`, 'x'.repeat(index * 7));
    await run('HSET', 'hash', `field${index}`, 'x'.repeat(100));
    await run('SADD', `set${index % 5}`, `member${index}`, 'x'.repeat(index));
  }
  const cursorAndKeys = await run('SCAN', '0', 'COUNT', '10000');
  const keys = Array.isArray(cursorAndKeys) && Array.isArray(cursorAndKeys[1]) ? cursorAndKeys[1] : [];
  const sizes = await Promise.all(keys.map((key) => heldBytes(run, String(key))));
  expect(keys.length).toBeGreaterThan(5);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(maxBytes);
});

test('refuses a value larger than its bound and keeps the one it had', async () => {
  const { run } = createStore({ maxBytes: 10_000 });
  await run('SET', 'key', 'small');
  expect(await run('SET', 'key', 'x'.repeat(10_000))).toMatchObject({
    message: "OOM command not allowed when used memory > 'maxmemory'.",
  });
  expect(await run('GET', 'key')).toBe('small');
});

test('ends keys on time after any commands on them', async () => {
  const { run, pass } = createStore();
  await run('SET', 'counter', '1', 'EX', '10');
  await run('HSET', 'hash', 'f', 'v');
  await run('PEXPIRE', 'hash', '10000');
  pass(4000);
  await run('INCR', 'counter');
  await run('HSET', 'hash', 'g', 'w');
  expect(await run('TTL', 'counter')).toBe(6);
  expect(await run('PTTL', 'hash')).toBe(6000);
  pass(5999);
  expect(await run('EXISTS', 'counter', 'hash')).toBe(2);
  pass(2);
  expect(await run('DBSIZE')).toBe(0);
  expect(await run('TTL', 'counter')).toBe(-2);
});

test('starts a key anew after its time is over', async () => {
  const { run, pass } = createStore();
  await run('SET', 'counter', '41', 'PX', '100');
  pass(101);
  expect(await run('INCR', 'counter')).toBe(1);
  expect(await run('TTL', 'counter')).toBe(-1);
});

test('scans keys that stay while others come and go', async () => {
  const { run } = createStore();
  const staying = Array.from({ length: 40 }, (_, index) => `staying${index}`);
  for (const key of staying) await run('SET', key, 'v');
  const found = new Set<unknown>();
  let cursor = '0';
  do {
    const [next, keys] = toPage(await run('SCAN', cursor, 'COUNT', '7'));
    for (const key of keys) found.add(key);
    await run('SET', `passing${cursor}`, 'v');
    await run('DEL', `passing${cursor}`);
    await run('GET', 'staying0');
    cursor = next;
  } while (cursor !== '0');
  expect(staying.filter((key) => !found.has(key))).toEqual([]);
});

function toPage(reply: Reply | undefined): [cursor: string, keys: readonly Reply[]] {
  if (!Array.isArray(reply) || !Array.isArray(reply[1])) throw new Error('no response to SCAN');
  return [String(reply[0]), reply[1]];
}

async function heldBytes(run: ReturnType<typeof createStore>['run'], key: string): Promise<number> {
  const reader = { string: 'GET', hash: 'HGETALL', set: 'SMEMBERS' }[String(await run('TYPE', key))] ?? 'GET';
  return [await run(reader, key)].flat().reduce<number>((sum, text) => sum + String(text).length, key.length);
}
