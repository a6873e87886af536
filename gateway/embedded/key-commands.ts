import { CommandError, type Reply } from '../backend.ts';
import { SYNTAX_ERROR, toInteger, toMilliseconds, wrongArity } from './arguments.ts';
import type { CommandTable } from './command.ts';
import { globMatcher } from './glob.ts';
import type { Keyspace } from './keyspace.ts';

/** Commands about keys of any type, and about the store. */
export const keyCommands: CommandTable = {
  PING: { parameters: [0, Infinity], run: (_keyspace, ...messages) => ping(messages) },
  DEL: { parameters: [1, Infinity], run: (keyspace, ...keys) => deleteKeys(keyspace, keys) },
  UNLINK: { parameters: [1, Infinity], run: (keyspace, ...keys) => deleteKeys(keyspace, keys) },
  EXISTS: {
    parameters: [1, Infinity],
    run: (keyspace, ...keys) => keys.filter((key) => keyspace.get(key) !== undefined).length,
  },
  TYPE: { parameters: [1, 1], run: (keyspace, key = '') => keyspace.peekType(key) ?? 'none' },
  EXPIRE: {
    parameters: [2, Infinity],
    run: (keyspace, key = '', time = '', ...options) => {
      refuseOptions(options);
      return expire(keyspace, key, toMilliseconds(time, 'seconds', 'expire'));
    },
  },
  PEXPIRE: {
    parameters: [2, Infinity],
    run: (keyspace, key = '', time = '', ...options) => {
      refuseOptions(options);
      return expire(keyspace, key, toMilliseconds(time, 'milliseconds', 'pexpire'));
    },
  },
  // Redis rounds to the nearest second.
  TTL: { parameters: [1, 1], run: (keyspace, key = '') => remaining(keyspace, key, 1000) },
  PTTL: { parameters: [1, 1], run: (keyspace, key = '') => remaining(keyspace, key, 1) },
  SCAN: {
    parameters: [1, Infinity],
    run: (keyspace, cursor = '', ...options) => scan(keyspace, cursor, options),
  },
  DBSIZE: { parameters: [0, 0], run: (keyspace) => keyspace.keyCount },
  FLUSHDB: { parameters: [0, Infinity], run: (keyspace, ...options) => flush(keyspace, options) },
};

/** Redis checks PING's arguments only when it runs it, not when it queues it for a transaction. */
function ping([message = 'PONG', ...rest]: readonly string[]): string {
  if (rest.length > 0) throw wrongArity('PING');
  return message;
}

function deleteKeys(keyspace: Keyspace, keys: readonly string[]): number {
  return keys.filter((key) => keyspace.delete(key)).length;
}

/** Redis 7 knows NX, XX, GT and LT here; this store does not, and says so as Redis does of others. */
function refuseOptions([option]: readonly string[]): void {
  if (option !== undefined) throw new CommandError(`ERR Unsupported option ${option}`);
}

function expire(keyspace: Keyspace, key: string, milliseconds: number): number {
  const value = keyspace.get(key);
  if (value === undefined) return 0;
  if (milliseconds > 0) keyspace.set(key, value, milliseconds);
  else keyspace.delete(key);
  return 1;
}

/** -2 without such a key, -1 without expiry. */
function remaining(keyspace: Keyspace, key: string, unitMs: number): number {
  const milliseconds = keyspace.remainingMs(key);
  if (milliseconds === undefined) return -2;
  return milliseconds === Infinity ? -1 : Math.round(milliseconds / unitMs);
}

function scan(keyspace: Keyspace, cursorText: string, words: readonly string[]): Reply {
  const cursor = toCursor(cursorText);
  let count = 10n;
  let matches = (_key: string) => true;
  let type: string | undefined;
  for (let index = 0; index < words.length; index += 2) {
    const option = words[index]?.toUpperCase();
    const value = words[index + 1];
    if (value === undefined) throw new CommandError(SYNTAX_ERROR);
    if (option === 'COUNT') count = toInteger(value);
    else if (option === 'MATCH') matches = globMatcher(value);
    else if (option === 'TYPE') type = value.toLowerCase();
    else throw new CommandError(SYNTAX_ERROR);
    if (count < 1n) throw new CommandError(SYNTAX_ERROR);
  }
  const page = keyspace.scan(cursor, Number(count));
  const isOfType = (key: string) => type === undefined || keyspace.peekType(key) === type;
  return [String(page.cursor), page.keys.filter((key) => matches(key) && isOfType(key))];
}

/** As at Redis, nothing is zero. */
function toCursor(text: string): number {
  if (!/^\d{0,20}$/.test(text)) throw new CommandError('ERR invalid cursor');
  return Number(text);
}

function flush(keyspace: Keyspace, options: readonly string[]): Reply {
  const [mode = 'SYNC', ...rest] = options;
  if (rest.length > 0 || !['SYNC', 'ASYNC'].includes(mode.toUpperCase()))
    throw new CommandError(SYNTAX_ERROR);
  keyspace.clear();
  return 'OK';
}
