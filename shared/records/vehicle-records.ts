import {
  VEHICLE_KEY_PREFIX,
  type VehicleRecord,
  type VehicleReport,
  vehicleRecordSchema,
  vehicleReportSchema,
} from '../contract/vehicles.ts';
import { parseJson } from '../features/safetensors.ts';
import type { TextRecord } from './feature-records.ts';
import { type RecordAuthenticator, TAG_LENGTH } from './record-authenticator.ts';

const PREFIX = 'vehicles:';

/** Redis key of a classification. */
export function vehicleRecordKey(key: string): string {
  return PREFIX + key;
}

/** Undefined for the Redis key of anything but a classification. */
export function keyOfVehicleRecord(recordKey: string): string | undefined {
  return recordKey.startsWith(PREFIX) ? recordKey.slice(PREFIX.length) : undefined;
}

/** Whether a key names a classification: all other results are features. */
export function isVehicleKey(key: string): boolean {
  return key.startsWith(VEHICLE_KEY_PREFIX);
}

/**
 * Redis key of a report.
 *
 * @param owner digest of the report's owner: other owners have other keys
 */
export function reportRecordKey(owner: string, vehicleId: string): string {
  return `vehicle-reports:${owner}:${vehicleId}`;
}

/**
 * Writes and reads the records of classifications and reports: a tag, see {@link RecordAuthenticator}, and the JSON
 * that it authenticates. The same at the edge and at the origin.
 */
export class VehicleRecords {
  readonly #authenticator: RecordAuthenticator;

  constructor(authenticator: RecordAuthenticator) {
    this.#authenticator = authenticator;
  }

  write(record: VehicleRecord): Promise<TextRecord> {
    return this.#write(vehicleRecordKey(record.key), record);
  }

  /** Undefined for a record that is damaged, forged or belongs to another key. */
  async read(key: string, text: string): Promise<VehicleRecord | undefined> {
    const parsed = vehicleRecordSchema.safeParse(await this.#read(vehicleRecordKey(key), text));
    return parsed.data?.key === key ? parsed.data : undefined;
  }

  writeReport(owner: string, report: VehicleReport): Promise<TextRecord> {
    return this.#write(reportRecordKey(owner, report.vehicle_id), report);
  }

  /** Undefined as of {@link read}. */
  async readReport(owner: string, vehicleId: string, text: string): Promise<VehicleReport | undefined> {
    return vehicleReportSchema.safeParse(await this.#read(reportRecordKey(owner, vehicleId), text)).data;
  }

  async #write(place: string, value: unknown): Promise<TextRecord> {
    const json = JSON.stringify(value);
    return [place, (await this.#authenticator.sign(place, json)) + json];
  }

  async #read(place: string, text: string): Promise<unknown> {
    const [tag, json] = [text.slice(0, TAG_LENGTH), text.slice(TAG_LENGTH)];
    return (await this.#authenticator.verify(place, json, tag)) ? parseJson(json) : undefined;
  }
}
