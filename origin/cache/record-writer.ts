import { LRUCache } from 'lru-cache';
import type { VehicleRecord } from '../../shared/contract/vehicles.ts';
import type { FeatureRecords, KeyValue } from '../../shared/records/feature-records.ts';
import { type FeatureSummary, keyOfSummary } from '../../shared/records/feature-summary.ts';
import type { VehicleRecords } from '../../shared/records/vehicle-records.ts';
import type { RecordStore } from './record-store.ts';

/** Payloads that wait to be stored; what is beyond is not shared. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;
const ATTEMPTS = 2;
/** After a failed result no other is tried for so long. */
const COOLDOWN_MS = 2_000;

/**
 * A result is on its way to Redis for some milliseconds, or while Redis hangs for seconds. An edge that has looked for it
 * in vain gets it from here.
 */
const RECENT_MS = 5_000;
const MAX_RECENT_BYTES = 16 * 1024 * 1024;
/** About, with its key. */
const SUMMARY_BYTES = 2 * 1024;

/** What became of a result. */
export type WriteOutcome = 'stored' | 'failed' | 'dropped';

/** A result as all edges share it. */
export interface SharedResult {
  summary: FeatureSummary;
  payload: Uint8Array<ArrayBuffer>;
}

/** A classification with a thumbnail, about. */
const VEHICLE_RECORD_BYTES = 64 * 1024;

/** A result that waits to be stored. */
interface Waiting {
  bytes: number;
  /** Milliseconds since the Unix epoch. */
  expiresAt: number;
  makeRecords: () => Promise<KeyValue[]>;
}

/**
 * Shares results with all edges: writes their records to Redis after the response, one result after the other, in
 * bounded memory. A result that is not stored costs a later request a second extraction, and nothing else.
 */
export class RecordWriter {
  readonly #records: FeatureRecords;
  readonly #vehicleRecords: VehicleRecords;
  readonly #store: RecordStore;
  readonly #onOutcome: (outcome: WriteOutcome, reason?: unknown) => void;
  readonly #recent = new LRUCache<string, SharedResult>({
    maxSize: MAX_RECENT_BYTES,
    ttl: RECENT_MS,
    sizeCalculation: ({ payload }) => payload.length + SUMMARY_BYTES,
  });
  readonly #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #closedUntil = 0;
  #running: Promise<void> | undefined;

  constructor(options: {
    records: FeatureRecords;
    vehicleRecords: VehicleRecords;
    store: RecordStore;
    /** Called once for each result. */
    onOutcome: (outcome: WriteOutcome, reason?: unknown) => void;
  }) {
    this.#records = options.records;
    this.#vehicleRecords = options.vehicleRecords;
    this.#store = options.store;
    this.#onOutcome = options.onOutcome;
  }

  /** Takes a result in; returns at once and never throws. */
  write({ summary, payload }: SharedResult): void {
    this.#recent.set(keyOfSummary(summary), { summary, payload });
    this.#add({
      bytes: payload.length,
      expiresAt: summary.expiresAt,
      makeRecords: () => this.#records.write(summary, payload),
    });
  }

  /** A result that was taken in some seconds ago, whether it is stored by now or not. */
  recent(key: string): SharedResult | undefined {
    return this.#recent.get(key);
  }

  /** The same of a classification. */
  writeVehicle(record: VehicleRecord): void {
    this.#add({
      bytes: VEHICLE_RECORD_BYTES,
      expiresAt: record.expires_at,
      makeRecords: async () => [await this.#vehicleRecords.write(record)],
    });
  }

  #add(result: Waiting): void {
    const isTooMuch = this.#waitingBytes + result.bytes > MAX_WAITING_BYTES;
    if (isTooMuch || Date.now() < this.#closedUntil) {
      this.#onOutcome('dropped');
      return;
    }
    this.#waiting.push(result);
    this.#waitingBytes += result.bytes;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  /** Resolves when all that was taken in is stored or given up. */
  async close(): Promise<void> {
    await this.#running;
    this.#store.close();
  }

  async #run(): Promise<void> {
    // The response goes first.
    await new Promise((resolve) => setImmediate(resolve));
    for (let result = this.#waiting.shift(); result; result = this.#waiting.shift()) {
      await this.#storeOne(result);
      this.#waitingBytes -= result.bytes;
    }
  }

  async #storeOne(result: Waiting): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#put(result);
        this.#onOutcome('stored');
        return;
      } catch (error) {
        if (attempt < ATTEMPTS) continue;
        this.#closedUntil = Date.now() + COOLDOWN_MS;
        this.#onOutcome('failed', error);
        return;
      }
    }
  }

  async #put({ expiresAt, makeRecords }: Waiting): Promise<void> {
    const ttlSeconds = Math.ceil((expiresAt - Date.now()) / 1000);
    if (ttlSeconds < 1) return;
    await this.#store.set(await makeRecords(), ttlSeconds);
  }
}
