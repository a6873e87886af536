import { type FeatureRecords, payloadKey, summaryKey } from '../../shared/records/feature-records.ts';
import type { RecordSource } from './record-store.ts';

/** After a failure no other record is asked for so long: a miss costs an extraction, and waiting costs more. */
const COOLDOWN_MS = 10_000;

/** Reads results that edges and origins share. Every failure is a miss. */
export class RecordReader {
  readonly #records: FeatureRecords;
  readonly #source: RecordSource;
  readonly #onFailure: (error: unknown) => void;
  #closedUntil = 0;

  constructor(options: {
    records: FeatureRecords;
    source: RecordSource;
    onFailure: (error: unknown) => void;
  }) {
    this.#records = options.records;
    this.#source = options.source;
    this.#onFailure = options.onFailure;
  }

  /** The safetensors file of a feature key; undefined where it is not there, incomplete, or not from a holder of the secret. */
  async payload(key: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (Date.now() < this.#closedUntil) return undefined;
    try {
      return await this.#read(key);
    } catch (error) {
      this.#closedUntil = Date.now() + COOLDOWN_MS;
      this.#onFailure(error);
      return undefined;
    }
  }

  close(): void {
    this.#source.close();
  }

  async #read(key: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    // Nearly all payloads have one part: both in one round trip.
    const [record, first = null] = await this.#source.get([summaryKey(key), payloadKey(key, 0)]);
    const stored = record ? await this.#records.readSummary(key, record) : undefined;
    if (!stored?.payload) return undefined;
    const others = Array.from({ length: stored.payload.parts - 1 }, (_, index) => payloadKey(key, index + 1));
    const rest = others.length === 0 ? [] : await this.#source.get(others);
    return this.#records.readPayload([first, ...rest], stored);
  }
}
