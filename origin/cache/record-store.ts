import type { KeyValue } from '../../shared/records/feature-records.ts';

/** Where records of results are stored for all edges. */
export interface RecordStore {
  /**
   * Stores records that expire together, in their order: each is sent when the one before it is stored. Callers must not
   * change the bytes until then.
   *
   * @throws Error when one of them is not stored
   */
  set(records: readonly KeyValue[], ttlSeconds: number): Promise<void>;
  close(): void;
}

/** Where records can be read. */
export interface RecordSource {
  /** The values of keys, in their order; null for a key that is not there. @throws Error when it cannot be reached */
  get(keys: readonly string[]): Promise<(Uint8Array<ArrayBuffer> | null)[]>;
  close(): void;
}
