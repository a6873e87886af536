import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { STORES, startTestGateway, type TestGateway } from './gateway-fixture.ts';

type Words = readonly (string | number)[];

let gateways: TestGateway[];

beforeAll(async () => {
  gateways = await Promise.all(STORES.map(startTestGateway));
});
afterAll(() => Promise.all(gateways.map((gateway) => gateway.stop())));

test('the embedded store replies to any sequence of commands as Redis does', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command(), { minLength: 1, maxLength: 40 }), async (commands) => {
      const [embedded, redis] = await responsesOfBoth('/pipeline', [['flushdb'], ...commands]);
      expect(embedded).toEqual(redis);
    }),
    { numRuns: 200 },
  );
});

test('the embedded store replies to any transaction as Redis does', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command(), { minLength: 1, maxLength: 10 }), async (commands) => {
      const [embedded, redis] = await responsesOfBoth('/multi-exec', [['flushdb'], ...commands]);
      expect(embedded).toEqual(redis);
    }),
    { numRuns: 60 },
  );
});

test('the embedded store finds the keys that Redis finds for any pattern', async () => {
  // No empty key: in Redis 7 it matches `*` but neither `**` nor anything else.
  const text = fc.string({ unit: fc.constantFrom(...'ab-é]['), minLength: 1, maxLength: 4 });
  // No other than ASCII characters: Redis compares the ends of a range as signed or unsigned bytes, as the CPU has them.
  const pattern = fc.string({ unit: fc.constantFrom(...'ab-][^*?\\'), maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(text, { minLength: 1 }), pattern, async (keys, match) => {
      const commands = [
        ['flushdb'],
        ...keys.map((key) => ['set', key, '']),
        ['scan', '0', 'match', match, 'count', '1000'],
      ];
      const [embedded, redis] = await responsesOfBoth('/pipeline', commands);
      expect(embedded).toEqual(redis);
    }),
    { numRuns: 300 },
  );
});

async function responsesOfBoth(path: string, commands: readonly Words[]): Promise<unknown[]> {
  return Promise.all(
    gateways.map(async (gateway) => {
      const responses: unknown = await (await gateway.post(path, commands)).json();
      return Array.isArray(responses)
        ? responses.map((response, index) => unordered(commands[index] ?? [], response))
        : responses;
    }),
  );
}

/** Redis gives members, fields and keys in no particular order. */
function unordered([name]: Words, response: { result?: unknown }): unknown {
  if (!Array.isArray(response.result)) return response;
  const result: unknown[] = response.result;
  if (name === 'smembers') return { result: result.toSorted() };
  if (name === 'hgetall') return { result: Object.fromEntries(pairs(result)) };
  if (name === 'scan') return { result: result.flat().toSorted() };
  return response;
}

function pairs(list: readonly unknown[]): [string, unknown][] {
  return list
    .flatMap((item, index) => (index % 2 === 0 ? [[String(item), list[index + 1]] as const] : []))
    .map(([key, value]) => [key, value]);
}

/** Commands about few keys, so that they meet; right and wrong arguments, so that errors are compared, too. */
function command(): fc.Arbitrary<Words> {
  const key = fc.constantFrom('a', 'b', 'ключ');
  const field = fc.constantFrom('f', 'g', '');
  const integer = fc.oneof(
    fc.integer({ min: -3, max: 200 }),
    fc.constantFrom(
      '0',
      '1.5',
      '+1',
      '01',
      ' 1',
      '',
      '-0',
      '9223372036854775807',
      '-9223372036854775808',
      '1e3',
      'x',
    ),
  );
  const value = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 12 }), integer.map(String));
  const seconds = fc.oneof(
    fc.constantFrom(0, -1, 'x', '', '9223372036854775807', '9999999999999999'),
    fc.integer({ min: 1000, max: 100_000 }),
  );
  const setOption = fc.oneof(
    fc.constantFrom<Words>(['nx'], ['XX'], ['get'], ['KeepTTL'], ['ex'], ['bogus']),
    fc.tuple(fc.constantFrom('ex', 'PX'), seconds),
  );
  const scanOption = fc.oneof(
    fc.constantFrom<Words>(
      ['match', 'a*'],
      ['count', 100],
      ['count', 0],
      ['count', 'x'],
      ['type', 'Hash'],
      ['match'],
      ['bogus', 1],
    ),
  );
  const anything = fc.array(fc.oneof(key, value, integer), { maxLength: 4 });
  // Without SCAN: which numbers are cursors is each store's own affair.
  const name = fc.constantFrom(
    ...'ping get mget set del unlink exists expire pexpire ttl incr incrby strlen type dbsize flushdb'.split(
      ' ',
    ),
    ...'hset hget hgetall hdel hincrby sadd smembers srem lpush lrange ltrim nosuch constructor'.split(' '),
  );
  return fc.oneof(
    fc.tuple(
      fc.constantFrom('get', 'incr', 'ttl', 'hgetall', 'type', 'strlen', 'smembers', 'del', 'Exists'),
      key,
    ),
    fc.tuple(fc.constantFrom('mget', 'exists', 'del'), key, key, key),
    fc.tuple(fc.constant('set'), key, value, setOption, setOption).map((words) => words.flat()),
    fc.tuple(fc.constant('set'), key, value),
    fc.tuple(fc.constant('incrby'), key, integer),
    fc.tuple(fc.constant('lpush'), key, value, value),
    fc.tuple(fc.constantFrom('lrange', 'ltrim'), key, integer, integer),
    fc.tuple(fc.constant('expire'), key, seconds),
    fc.tuple(fc.constant('hset'), key, field, value),
    fc.tuple(fc.constant('hset'), key, field, value, field, value),
    fc.tuple(fc.constantFrom('hget', 'hdel'), key, field),
    fc.tuple(fc.constant('hincrby'), key, field, integer),
    fc.tuple(fc.constantFrom('sadd', 'srem'), key, value, value),
    fc
      .tuple(fc.constant('scan'), fc.constantFrom('0', 'x', ''), scanOption, scanOption)
      .map((words) => words.flat()),
    fc.tuple(name, anything).map(([first, rest]) => [first, ...rest]),
  );
}
