import { LRUCache } from 'lru-cache';
import type { CachedFeatures } from '../cached-features.ts';

/** A larger payload would push out hundreds of others; of those only the summary is kept. */
const LARGEST_PAYLOAD_BYTES = 2 * 1024 * 1024;
/** Rough size of a summary with its key, as JavaScript objects. */
const SUMMARY_BYTES = 2 * 1024;

/** How long a result is given out without a look at Redis: the longest that a deleted one is still found. */
const FRESH_MS = 60_000;

interface MemoryEntry {
  features: CachedFeatures;
  storedAt: number;
}

/** The nearest tier: results in this isolate's own memory, least recently used out first. */
export class IsolateMemory {
  readonly #entries: LRUCache<string, MemoryEntry>;

  constructor(capacityBytes: number) {
    this.#entries = new LRUCache({
      maxSize: capacityBytes,
      sizeCalculation: ({ features: { payload } }) => SUMMARY_BYTES + (payload?.length ?? 0),
    });
  }

  get(key: string, needsPayload: boolean): CachedFeatures | undefined {
    const entry = this.#entries.get(key);
    if (!entry || entry.storedAt + FRESH_MS <= Date.now()) return undefined;
    return usable(entry.features, needsPayload);
  }

  /** Also what is not fresh any more, for when Redis is not reachable or has lost it. */
  getStale(key: string, needsPayload: boolean): CachedFeatures | undefined {
    const entry = this.#entries.get(key);
    return entry && usable(entry.features, needsPayload);
  }

  /** When this isolate stored or renewed it, in milliseconds since the Unix epoch. */
  storedAt(key: string): number | undefined {
    return this.#entries.peek(key)?.storedAt;
  }

  put(key: string, features: CachedFeatures): void {
    const kept = features.payload && features.payload.length <= LARGEST_PAYLOAD_BYTES;
    const entry = kept ? features : { summary: features.summary };
    const known = this.#entries.peek(key)?.features.payload;
    this.#entries.set(key, {
      features: known && !entry.payload ? { ...entry, payload: known } : entry,
      storedAt: Date.now(),
    });
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }
}

function usable(features: CachedFeatures, needsPayload: boolean): CachedFeatures | undefined {
  if (features.summary.expiresAt <= Date.now()) return undefined;
  return needsPayload && !features.payload ? undefined : features;
}
