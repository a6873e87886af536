import { expect, test } from 'vitest';
import type { RecordStore } from '../../../origin/cache/record-store.ts';
import { RecordWriter, type WriteOutcome } from '../../../origin/cache/record-writer.ts';
import { decodePayload } from '../../../shared/features/payload.ts';
import { FeatureRecords, payloadKey, summaryKey } from '../../../shared/records/feature-records.ts';
import { keyOfSummary } from '../../../shared/records/feature-summary.ts';
import { RecordAuthenticator } from '../../../shared/records/record-authenticator.ts';
import { VehicleRecords } from '../../../shared/records/vehicle-records.ts';
import { payloadOfMany } from '../../formats/flat-features.ts';

const payload = payloadOfMany(5);
const summary = { metadata: decodePayload(payload).metadata, count: 5, expiresAt: Date.now() + 60_000 };
const key = keyOfSummary(summary);

function writerTo(set: RecordStore['set']): { writer: RecordWriter; outcomes: WriteOutcome[] } {
  const authenticator = new RecordAuthenticator(['the secret']);
  const outcomes: WriteOutcome[] = [];
  const writer = new RecordWriter({
    records: new FeatureRecords(authenticator),
    vehicleRecords: new VehicleRecords(authenticator),
    store: { set, close: () => undefined },
    onOutcome: (outcome) => outcomes.push(outcome),
  });
  return { writer, outcomes };
}

test('a result can be had from the moment that it is taken in, and after it is stored', async () => {
  const reply = Promise.withResolvers<void>();
  const { writer, outcomes } = writerTo(() => reply.promise);
  expect(writer.recent(key)).toBeUndefined();
  writer.write({ summary, payload });
  expect(writer.recent(key)).toEqual({ summary, payload });
  reply.resolve();
  await writer.close();
  expect(outcomes).toEqual(['stored']);
  expect(writer.recent(key)?.payload).toBe(payload);
  expect(writer.recent(`${key}0`)).toBeUndefined();
});

test('a result that the store refuses can be had, too', async () => {
  const { writer, outcomes } = writerTo(() => Promise.reject(new Error('refused')));
  writer.write({ summary, payload });
  await writer.close();
  expect(outcomes).toEqual(['failed']);
  expect(writer.recent(key)).toBeDefined();
});

test('the summary is stored after its payload, with the time that is left', async () => {
  const stored: string[] = [];
  const { writer } = writerTo(async (records, ttlSeconds) => {
    stored.push(...records.map(([place]) => place));
    expect(ttlSeconds).toBeGreaterThan(50);
    expect(ttlSeconds).toBeLessThanOrEqual(60);
  });
  writer.write({ summary, payload });
  await writer.close();
  expect(stored).toEqual([payloadKey(key, 0), summaryKey(key)]);
});
