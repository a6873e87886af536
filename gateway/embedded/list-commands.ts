import { toInteger } from './arguments.ts';
import type { CommandTable } from './command.ts';
import type { Keyspace } from './keyspace.ts';

export const listCommands: CommandTable = {
  LPUSH: { parameters: [2, Infinity], run: (keyspace, key = '', ...items) => push(keyspace, key, items) },
  LRANGE: {
    parameters: [3, 3],
    run: (keyspace, key = '', first = '', last = '') => {
      const bounds = [toInteger(first), toInteger(last)] as const;
      return range(getItems(keyspace, key), ...bounds);
    },
  },
  LTRIM: {
    parameters: [3, 3],
    run: (keyspace, key = '', first = '', last = '') => {
      const bounds = [toInteger(first), toInteger(last)] as const;
      store(keyspace, key, range(getItems(keyspace, key), ...bounds));
      return 'OK';
    },
  },
};

function getItems(keyspace: Keyspace, key: string): readonly string[] {
  return keyspace.getOfType(key, 'list')?.items ?? [];
}

/** A list without items does not exist. */
function store(keyspace: Keyspace, key: string, items: readonly string[]): void {
  if (items.length === 0) keyspace.delete(key);
  else keyspace.set(key, { type: 'list', items }, 'unchanged');
}

/** Each item goes before the one before it. Length of the list. */
function push(keyspace: Keyspace, key: string, added: readonly string[]): number {
  const items = [...added.toReversed(), ...getItems(keyspace, key)];
  store(keyspace, key, items);
  return items.length;
}

/** Both ends included; negative positions count from the end. */
function range(items: readonly string[], first: bigint, last: bigint): string[] {
  const position = (index: bigint) => (index < 0n ? BigInt(items.length) + index : index);
  const start = position(first) < 0n ? 0n : position(first);
  const end = position(last) + 1n;
  return start >= end ? [] : items.slice(clamp(start, items), clamp(end, items));
}

function clamp(position: bigint, items: readonly string[]): number {
  return position > BigInt(items.length) ? items.length : Number(position);
}
