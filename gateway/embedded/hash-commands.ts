import { addIntegers, toInteger, wrongArity } from './arguments.ts';
import type { CommandTable } from './command.ts';
import type { Keyspace } from './keyspace.ts';

export const hashCommands: CommandTable = {
  HGET: {
    parameters: [2, 2],
    run: (keyspace, key = '', field = '') => getFields(keyspace, key).get(field) ?? null,
  },
  HGETALL: { parameters: [1, 1], run: (keyspace, key = '') => [...getFields(keyspace, key)].flat() },
  HSET: { parameters: [3, Infinity], run: (keyspace, key = '', ...pairs) => setFields(keyspace, key, pairs) },
  HDEL: {
    parameters: [2, Infinity],
    run: (keyspace, key = '', ...names) => deleteFields(keyspace, key, names),
  },
  HINCRBY: {
    parameters: [3, 3],
    run: (keyspace, key = '', field = '', by = '') => incrementField(keyspace, key, field, toInteger(by)),
  },
};

function getFields(keyspace: Keyspace, key: string): ReadonlyMap<string, string> {
  return keyspace.getOfType(key, 'hash')?.fields ?? new Map();
}

/** A hash without fields does not exist. */
function store(keyspace: Keyspace, key: string, fields: ReadonlyMap<string, string>): void {
  if (fields.size === 0) keyspace.delete(key);
  else keyspace.set(key, { type: 'hash', fields }, 'unchanged');
}

/** Number of fields that are new. */
function setFields(keyspace: Keyspace, key: string, pairs: readonly string[]): number {
  if (pairs.length % 2 !== 0) throw wrongArity('HSET');
  const before = getFields(keyspace, key);
  const fields = new Map(before);
  for (let index = 0; index < pairs.length; index += 2)
    fields.set(pairs[index] ?? '', pairs[index + 1] ?? '');
  store(keyspace, key, fields);
  return fields.size - before.size;
}

/** Number of fields that were there. */
function deleteFields(keyspace: Keyspace, key: string, names: readonly string[]): number {
  const fields = new Map(getFields(keyspace, key));
  const deleted = names.filter((name) => fields.delete(name)).length;
  if (deleted > 0) store(keyspace, key, fields);
  return deleted;
}

function incrementField(keyspace: Keyspace, key: string, field: string, by: bigint): number {
  const fields = new Map(getFields(keyspace, key));
  const sum = addIntegers(toInteger(fields.get(field) ?? '0', 'ERR hash value is not an integer'), by);
  store(keyspace, key, fields.set(field, String(sum)));
  return Number(sum);
}
