import { LRUCache } from 'lru-cache';
import type { VehicleRecord, VehicleReport } from '../../shared/contract/vehicles.ts';

/** Rough size of a record without explanation and thumbnail, as JavaScript objects. */
const RECORD_BYTES = 6 * 1024;
const VALUE_BYTES = 8;

/** The nearest tier: classifications and reports in this isolate's own memory, least recently used out first. */
export class VehicleMemory {
  readonly #records: LRUCache<string, VehicleRecord>;
  readonly #reports: LRUCache<string, VehicleReport>;

  /** @param capacity in bytes, of each */
  constructor(capacity: { vehicles: number; vehicleReports: number }) {
    this.#records = new LRUCache<string, VehicleRecord>({
      maxSize: capacity.vehicles,
      sizeCalculation: sizeOf,
    });
    this.#reports = new LRUCache<string, VehicleReport>({
      maxSize: capacity.vehicleReports,
      sizeCalculation: (report) => sizeOf(report.classification_results),
    });
  }

  get reports(): number {
    return this.#reports.size;
  }

  get(key: string): VehicleRecord | undefined {
    const record = this.#records.get(key);
    return record && record.expires_at > Date.now() ? record : undefined;
  }

  put(record: VehicleRecord): void {
    this.#records.set(record.key, record);
  }

  getReport(place: string): VehicleReport | undefined {
    const report = this.#reports.get(place);
    return report && Date.parse(report.metadata.expires_at) > Date.now() ? report : undefined;
  }

  putReport(place: string, report: VehicleReport): void {
    this.#reports.set(place, report);
  }

  clear(): void {
    this.#records.clear();
    this.#reports.clear();
  }
}

function sizeOf({ thumbnail, explanation }: Pick<VehicleRecord, 'thumbnail' | 'explanation'>): number {
  const values = explanation?.values.length ?? 0;
  const images = (thumbnail?.base64.length ?? 0) + (explanation?.overlay?.base64.length ?? 0);
  return RECORD_BYTES + VALUE_BYTES * values + images;
}
