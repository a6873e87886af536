import { featureKeyOfSummary, featureRecordsOf } from './feature-records.ts';
import { isVehicleKey, keyOfVehicleRecord, vehicleRecordKey } from './vehicle-records.ts';

/** One of the Redis records of a result, with the name that it has beside the others. */
export interface ResultRecord {
  place: string;
  name: string;
}

/** The records that the result of a key can have: those of features, or the one of a classification. */
export function recordsOf(key: string): ResultRecord[] {
  if (isVehicleKey(key)) return [{ place: vehicleRecordKey(key), name: 'classification' }];
  return featureRecordsOf(key);
}

/** @param recordKey of a summary of features, or of a classification */
export function resultKeyOf(recordKey: string): string {
  return keyOfVehicleRecord(recordKey) ?? featureKeyOfSummary(recordKey);
}
