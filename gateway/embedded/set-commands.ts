import type { CommandTable } from './command.ts';
import type { Keyspace } from './keyspace.ts';

export const setCommands: CommandTable = {
  SMEMBERS: { parameters: [1, 1], run: (keyspace, key = '') => [...getMembers(keyspace, key)] },
  SADD: { parameters: [2, Infinity], run: (keyspace, key = '', ...members) => add(keyspace, key, members) },
  SREM: {
    parameters: [2, Infinity],
    run: (keyspace, key = '', ...members) => remove(keyspace, key, members),
  },
};

function getMembers(keyspace: Keyspace, key: string): ReadonlySet<string> {
  return keyspace.getOfType(key, 'set')?.members ?? new Set();
}

/** Number of members that are new. */
function add(keyspace: Keyspace, key: string, added: readonly string[]): number {
  const before = getMembers(keyspace, key);
  const members = before.union(new Set(added));
  keyspace.set(key, { type: 'set', members }, 'unchanged');
  return members.size - before.size;
}

/** Number of members that were there. A set without members does not exist. */
function remove(keyspace: Keyspace, key: string, removed: readonly string[]): number {
  const before = getMembers(keyspace, key);
  const members = before.difference(new Set(removed));
  if (members.size === 0) keyspace.delete(key);
  else if (members.size < before.size) keyspace.set(key, { type: 'set', members }, 'unchanged');
  return before.size - members.size;
}
