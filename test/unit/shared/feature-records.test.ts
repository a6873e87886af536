import { describe, expect, test } from 'vitest';
import { decodePayload, encodePayload } from '../../../shared/features/payload.ts';
import {
  FeatureRecords,
  PAYLOAD_PART_BYTES,
  payloadKey,
  summaryKey,
} from '../../../shared/records/feature-records.ts';
import { type FeatureSummary, keyOfSummary } from '../../../shared/records/feature-summary.ts';
import { RecordAuthenticator } from '../../../shared/records/record-authenticator.ts';
import { sha256Hex } from '../../../shared/sha256.ts';
import { utf8 } from '../../../shared/utf8.ts';
import { payloadOfMany } from '../../formats/flat-features.ts';

const recordsWith = (...secrets: string[]) => new FeatureRecords(new RecordAuthenticator(secrets));
const records = recordsWith('the secret');

function resultOf(count: number): { summary: FeatureSummary; payload: Uint8Array<ArrayBuffer>; key: string } {
  const payload = payloadOfMany(count);
  const { metadata } = decodePayload(payload);
  const summary = { metadata, count, expiresAt: Date.now() + 1_000 };
  return { summary, payload, key: keyOfSummary(summary) };
}

/** What Redis then has. */
async function writtenBy(
  writer: FeatureRecords,
  { summary, payload }: Pick<ReturnType<typeof resultOf>, 'summary' | 'payload'>,
): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const written = await writer.write(summary, payload);
  return new Map(
    written.map(([key, value]) => [key, typeof value === 'string' ? utf8(value) : value.slice()]),
  );
}

async function summaryBy(
  writer: FeatureRecords,
  result: Pick<ReturnType<typeof resultOf>, 'summary' | 'payload' | 'key'>,
): Promise<string> {
  const written = await writtenBy(writer, result);
  return new TextDecoder().decode(written.get(summaryKey(result.key)));
}

describe('the records of a result', () => {
  test('of a payload are its own bytes, without a copy', async () => {
    const { summary, payload, key } = resultOf(100_000);
    const [, last] = (await records.write(summary, payload)).slice(0, -1).toReversed();
    if (typeof last?.[1] !== 'object') throw new Error('no bytes');
    expect(last[0]).toBe(payloadKey(key, 1));
    expect(last[1].buffer).toBe(payload.buffer);
    expect(last[1].byteOffset).toBe(payload.byteOffset + PAYLOAD_PART_BYTES);
  });

  test.each([0, 5, 100_000])('give back what was written, with %i keypoints', async (count) => {
    const { summary, payload, key } = resultOf(count);
    const written = await writtenBy(records, { summary, payload });
    expect([...written.keys()].at(-1)).toBe(summaryKey(key));
    const stored = await records.readSummary(key, written.get(summaryKey(key)) ?? new Uint8Array());
    expect(stored?.summary).toEqual(summary);
    if (!stored?.payload) throw new Error('no payload');
    const parts = Array.from(
      { length: stored.payload.parts },
      (_, part) => written.get(payloadKey(key, part)) ?? null,
    );
    const read = await records.readPayload(parts, stored);
    expect(Buffer.from(read ?? []).equals(payload)).toBe(true);
    expect(await records.readPayload([...parts.slice(1), null], stored)).toBeUndefined();
    const [first] = parts;
    if (!first) throw new Error('no first part');
    first[first.length - 1] = (first.at(-1) ?? 0) ^ 1;
    expect(await records.readPayload(parts, stored)).toBeUndefined();
  });

  test('of another writer, of another place, or changed: are not read', async () => {
    const { summary, payload, key } = resultOf(3);
    const text = await summaryBy(records, { summary, payload, key });
    const forged = await summaryBy(recordsWith('a guess'), { summary, payload, key });
    const digested = (await sha256Hex(new TextEncoder().encode(text.slice(64)))) + text.slice(64);
    const changed = text.replace('"keypoints":3', '"keypoints":4');
    for (const record of ['', 'nonsense', forged, digested, changed, text.slice(0, -1)]) {
      expect(await records.readSummary(key, record)).toBeUndefined();
    }
    expect(await records.readSummary(key.replace('n0', 'n1'), text)).toBeUndefined();
    expect(await records.readSummary(key, text)).toBeDefined();
  });

  test('are read by every reader that accepts the secret that signed them', async () => {
    const { summary, payload, key } = resultOf(1);
    const text = await summaryBy(recordsWith('new', 'old'), { summary, payload, key });
    expect(await recordsWith('old', 'new').readSummary(key, text)).toBeDefined();
    expect(await recordsWith('old').readSummary(key, text)).toBeUndefined();
  });

  test('with a right digest but a payload that is not what the summary says: it is not read', async () => {
    const { summary, key } = resultOf(3);
    const { metadata } = summary;
    const ofOtherImage = { ...metadata, image: { ...metadata.image, sha256: 'f'.repeat(64) } };
    const payloads = [
      new TextEncoder().encode('garbage'),
      payloadOfMany(4),
      encodePayload(ofOtherImage, new Uint8Array(3 * 152)),
    ];
    for (const payload of payloads) {
      const written = await writtenBy(records, { summary, payload });
      const stored = await records.readSummary(key, written.get(summaryKey(key)) ?? new Uint8Array());
      if (!stored) throw new Error('no summary');
      expect(await records.readPayload([written.get(payloadKey(key, 0)) ?? null], stored)).toBeUndefined();
    }
  });
});
