import type { KeyValue } from '../../shared/records/feature-records.ts';

/** Where records of results are stored for all edges. */
export interface RecordStore {
  /**
   * Stores records that expire together, in their order.
   *
   * @throws Error when one of them is not stored
   */
  set(records: Iterable<KeyValue>, ttlSeconds: number): Promise<void>;
  close(): void;
}
