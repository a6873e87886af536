import { LRUCache } from 'lru-cache';
import type { VehicleRecord, VehicleReport } from '../../shared/contract/vehicles.ts';
import { CLOCK_DRIFT_MS } from '../features/cache/feature-cache.ts';

/** Rough size of a record without explanation and thumbnail, as JavaScript objects. */
const RECORD_BYTES = 6 * 1024;
const VALUE_BYTES = 8;

/** How long a record is given out without a look at Redis, as of features: the longest that a deleted one is still found. */
const FRESH_MS = 60_000;

interface MemoryEntry {
  record: VehicleRecord;
  storedAt: number;
}

/** The nearest tier: classifications and reports in this isolate's own memory, least recently used out first. */
export class VehicleMemory {
  readonly #records: LRUCache<string, MemoryEntry>;
  readonly #reports: LRUCache<string, VehicleReport>;

  constructor(capacity: { recordBytes: number; reportBytes: number }) {
    this.#records = new LRUCache<string, MemoryEntry>({
      maxSize: capacity.recordBytes,
      sizeCalculation: ({ record }) => sizeOf(record),
    });
    this.#reports = new LRUCache<string, VehicleReport>({
      maxSize: capacity.reportBytes,
      sizeCalculation: (report) => sizeOf(report.classification_results),
    });
  }

  get reports(): number {
    return this.#reports.size;
  }

  get(key: string): VehicleRecord | undefined {
    const entry = this.#records.get(key);
    return entry && entry.storedAt + FRESH_MS > Date.now() ? unexpired(entry) : undefined;
  }

  /** Also returns stale records, for use when Redis is not reachable. */
  getStale(key: string): VehicleRecord | undefined {
    const entry = this.#records.get(key);
    return entry && unexpired(entry);
  }

  /** A record that Redis has lost by itself, fresh again; undefined if it may have been deleted on purpose since. */
  getLost(key: string, lastDeletionAt: number): VehicleRecord | undefined {
    const entry = this.#records.get(key);
    if (!entry) return undefined;
    const mayBeDeleted = lastDeletionAt + CLOCK_DRIFT_MS >= entry.storedAt;
    const record = mayBeDeleted ? undefined : unexpired(entry);
    if (record) this.put(record);
    else this.#records.delete(key);
    return record;
  }

  put(record: VehicleRecord): void {
    this.#records.set(record.key, { record, storedAt: Date.now() });
  }

  delete(key: string): void {
    this.#records.delete(key);
  }

  /** Forgets all classifications. Reports stay: they are no part of the cache of results, and cannot be computed again. */
  clear(): void {
    this.#records.clear();
  }

  getReport(place: string): VehicleReport | undefined {
    const report = this.#reports.get(place);
    return report && Date.parse(report.metadata.expires_at) > Date.now() ? report : undefined;
  }

  putReport(place: string, report: VehicleReport): void {
    this.#reports.set(place, report);
  }
}

function unexpired({ record }: MemoryEntry): VehicleRecord | undefined {
  return record.expires_at > Date.now() ? record : undefined;
}

function sizeOf({ thumbnail, explanation }: Pick<VehicleRecord, 'thumbnail' | 'explanation'>): number {
  const values = explanation?.values.length ?? 0;
  const images = (thumbnail?.base64.length ?? 0) + (explanation?.overlay?.base64.length ?? 0);
  return RECORD_BYTES + VALUE_BYTES * values + images;
}
