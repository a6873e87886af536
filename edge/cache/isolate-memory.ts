import { LRUCache } from 'lru-cache';
import type { CachedFeatures } from '../features.ts';

/** Of the 128 MB that a Worker's isolate has for everything. */
const CAPACITY_BYTES = 32 * 1024 * 1024;
/** A larger payload would push out hundreds of others; of those only the summary is kept. */
const LARGEST_PAYLOAD_BYTES = 2 * 1024 * 1024;
/** Rough size of a summary with its key, as JavaScript objects. */
const SUMMARY_BYTES = 2 * 1024;

/** The nearest tier: results in this isolate's own memory, least recently used out first. */
export class IsolateMemory {
  readonly #entries = new LRUCache<string, CachedFeatures>({
    maxSize: CAPACITY_BYTES,
    sizeCalculation: ({ payload }) => SUMMARY_BYTES + (payload?.length ?? 0),
  });

  get(key: string, needsPayload: boolean): CachedFeatures | undefined {
    const entry = this.#entries.get(key);
    if (!entry || entry.summary.expiresAt <= Date.now()) return undefined;
    return needsPayload && !entry.payload ? undefined : entry;
  }

  put(key: string, features: CachedFeatures): void {
    const kept = features.payload && features.payload.length <= LARGEST_PAYLOAD_BYTES;
    const entry = kept ? features : { summary: features.summary };
    const known = this.#entries.peek(key)?.payload;
    this.#entries.set(key, known && !entry.payload ? { ...entry, payload: known } : entry);
  }
}
