import { CommandError, type Reply } from '../backend.ts';
import { addIntegers, invalidExpireTime, SYNTAX_ERROR, toInteger, toMilliseconds } from './arguments.ts';
import type { CommandTable } from './command.ts';
import type { Expiry, Keyspace } from './keyspace.ts';

export const stringCommands: CommandTable = {
  GET: { parameters: [1, 1], run: (keyspace, key = '') => getString(keyspace, key) ?? null },
  MGET: {
    parameters: [1, Infinity],
    run: (keyspace, ...keys) => keys.map((key) => stringOrNull(keyspace, key)),
  },
  SET: {
    parameters: [2, Infinity],
    run: (keyspace, key = '', text = '', ...rest) => setString(keyspace, key, text, rest),
  },
  STRLEN: {
    parameters: [1, 1],
    run: (keyspace, key = '') => Buffer.byteLength(getString(keyspace, key) ?? ''),
  },
  INCR: { parameters: [1, 1], run: (keyspace, key = '') => increment(keyspace, key, 1n) },
  INCRBY: {
    parameters: [2, 2],
    run: (keyspace, key = '', by = '') => increment(keyspace, key, toInteger(by)),
  },
};

function getString(keyspace: Keyspace, key: string): string | Buffer | undefined {
  return keyspace.getOfType(key, 'string')?.content;
}

function stringOrNull(keyspace: Keyspace, key: string): string | Buffer | null {
  const value = keyspace.get(key);
  return value?.type === 'string' ? value.content : null;
}

function increment(keyspace: Keyspace, key: string, by: bigint): number {
  const sum = addIntegers(toInteger(String(getString(keyspace, key) ?? '0')), by);
  keyspace.set(key, { type: 'string', content: String(sum) }, 'unchanged');
  return Number(sum);
}

/**
 * `SET`.
 *
 * @param words the options after the value
 * @throws CommandError
 */
export function setString(
  keyspace: Keyspace,
  key: string,
  value: string | Buffer,
  words: readonly string[],
): Reply {
  const options = parseSetOptions(words);
  const previous = options.get ? (getString(keyspace, key) ?? null) : null;
  const exists = keyspace.get(key) !== undefined;
  const refused = options.condition !== undefined && exists !== (options.condition === 'XX');
  if (!refused) keyspace.set(key, { type: 'string', content: ownCopy(value) }, options.expiry);
  if (options.get) return previous;
  return refused ? null : 'OK';
}

/** A Buffer that is a piece of a longer one would keep that in memory. */
function ownCopy(value: string | Buffer): string | Buffer {
  if (typeof value === 'string' || value.length === value.buffer.byteLength) return value;
  return Buffer.from(new Uint8Array(value).buffer);
}

interface SetOptions {
  readonly condition: 'NX' | 'XX' | undefined;
  /** Reply with the previous value. */
  readonly get: boolean;
  readonly expiry: Expiry;
}

/** Options may come in any order; one that is repeated counts once, the last EX or PX counts. */
function parseSetOptions(words: readonly string[]): SetOptions {
  let condition: SetOptions['condition'];
  let get = false;
  let expiryOption: 'EX' | 'PX' | 'KEEPTTL' | undefined;
  let time = '';
  for (let index = 0; index < words.length; index++) {
    const option = words[index]?.toUpperCase();
    const isFirstOrSame = expiryOption === undefined || expiryOption === option;
    if ((option === 'NX' || option === 'XX') && (condition === undefined || condition === option)) {
      condition = option;
    } else if (option === 'GET') {
      get = true;
    } else if (option === 'KEEPTTL' && isFirstOrSame) {
      expiryOption = option;
    } else if ((option === 'EX' || option === 'PX') && isFirstOrSame && index + 1 < words.length) {
      expiryOption = option;
      time = words[++index] ?? '';
    } else {
      throw new CommandError(SYNTAX_ERROR);
    }
  }
  if (expiryOption === undefined) return { condition, get, expiry: 'never' };
  if (expiryOption === 'KEEPTTL') return { condition, get, expiry: 'unchanged' };
  const expiry = toMilliseconds(time, expiryOption === 'EX' ? 'seconds' : 'milliseconds', 'set');
  if (expiry <= 0) throw invalidExpireTime('set');
  return { condition, get, expiry };
}
