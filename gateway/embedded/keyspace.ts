import { LRUCache } from 'lru-cache';
import { CommandError } from '../backend.ts';

/** Values are never changed in place: a command that changes one stores a new one. A string may be any bytes. */
export type Value =
  | { readonly type: 'string'; readonly content: string | Buffer }
  | { readonly type: 'hash'; readonly fields: ReadonlyMap<string, string> }
  | { readonly type: 'list'; readonly items: readonly string[] }
  | { readonly type: 'set'; readonly members: ReadonlySet<string> };

/** When a stored key ends: as its predecessor would have, never, or after so many milliseconds. */
export type Expiry = 'unchanged' | 'never' | number;

interface Entry {
  readonly value: Value;
  /** Order of creation; what SCAN's cursor counts. */
  readonly sequence: number;
}

export interface KeyspaceOptions {
  /** Bound for keys and values together; beyond it the least recently used keys go. */
  readonly maxBytes: number;
  /** Milliseconds that never go back. */
  readonly clock?: { now(): number };
}

/** Estimated cost of an entry, or of a field or member in one, besides its text. */
const OVERHEAD_BYTES = 64;

const WRONG_TYPE = 'WRONGTYPE Operation against a key holding the wrong kind of value';
const OUT_OF_MEMORY = "OOM command not allowed when used memory > 'maxmemory'.";

/** Keys with time to live, bounded in memory like a Redis with `maxmemory-policy allkeys-lru`. */
export class Keyspace {
  readonly #maxBytes: number;
  readonly #entries: LRUCache<string, Entry>;
  #nextSequence = 1;

  constructor({ maxBytes, clock = performance }: KeyspaceOptions) {
    this.#maxBytes = maxBytes;
    this.#entries = new LRUCache({ maxSize: maxBytes, ttlAutopurge: false, ttlResolution: 0, perf: clock });
  }

  get(key: string): Value | undefined {
    return this.#entries.get(key)?.value;
  }

  /** @throws CommandError WRONGTYPE when the key holds another type */
  getOfType<Type extends Value['type']>(key: string, type: Type): Extract<Value, { type: Type }> | undefined {
    const value = this.get(key);
    if (value === undefined) return undefined;
    if (!isOfType(value, type)) throw new CommandError(WRONG_TYPE);
    return value;
  }

  /** @throws CommandError OOM when the value alone exceeds the bound */
  set(key: string, value: Value, expiry: Expiry): void {
    const size = sizeOf(key, value);
    if (size > this.#maxBytes) throw new CommandError(OUT_OF_MEMORY);
    const sequence = this.#entries.get(key)?.sequence ?? this.#nextSequence++;
    const ttl = typeof expiry === 'number' ? { ttl: expiry } : { noUpdateTTL: expiry === 'unchanged' };
    this.#entries.set(key, { value, sequence }, { size, ...ttl });
  }

  /** Whether there was such a key. */
  delete(key: string): boolean {
    const existed = this.get(key) !== undefined;
    this.#entries.delete(key);
    return existed;
  }

  clear(): void {
    this.#entries.clear();
  }

  /** Milliseconds the key has left, Infinity without expiry, undefined without key. */
  remainingMs(key: string): number | undefined {
    return this.get(key) === undefined ? undefined : this.#entries.getRemainingTTL(key);
  }

  get keyCount(): number {
    this.#entries.purgeStale();
    return this.#entries.size;
  }

  /** The next `count` keys created after the one the cursor stands at (0: from the first), with the next cursor. */
  scan(cursor: number, count: number): { readonly cursor: number; readonly keys: readonly string[] } {
    this.#entries.purgeStale();
    const rest = [...this.#entries.entries()]
      .filter(([, entry]) => entry.sequence > cursor)
      .sort(([, a], [, b]) => a.sequence - b.sequence);
    const page = rest.slice(0, count);
    const last = page.at(-1);
    return {
      cursor: page.length < rest.length && last !== undefined ? last[1].sequence : 0,
      keys: page.map(([key]) => key),
    };
  }

  /** The type of a key's value without counting as a use. */
  peekType(key: string): Value['type'] | undefined {
    return this.#entries.peek(key)?.value.type;
  }
}

function isOfType<Type extends Value['type']>(
  value: Value,
  type: Type,
): value is Extract<Value, { type: Type }> {
  return value.type === type;
}

function sizeOf(key: string, value: Value): number {
  return (
    OVERHEAD_BYTES +
    Buffer.byteLength(key) +
    contentsOf(value).reduce((sum, content) => sum + OVERHEAD_BYTES + Buffer.byteLength(content), 0)
  );
}

function contentsOf(value: Value): (string | Buffer)[] {
  if (value.type === 'string') return [value.content];
  if (value.type === 'list') return [...value.items];
  if (value.type === 'set') return [...value.members];
  return [...value.fields].flat();
}
