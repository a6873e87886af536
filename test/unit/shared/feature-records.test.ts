import { describe, expect, test } from 'vitest';
import { NODE_BASE64 } from '../../../origin/cache/node-base64.ts';
import { decodePayload, encodePayload } from '../../../shared/features/payload.ts';
import { FeatureRecords, payloadKey, summaryKey } from '../../../shared/records/feature-records.ts';
import { type FeatureSummary, keyOfSummary } from '../../../shared/records/feature-summary.ts';
import { RecordAuthenticator } from '../../../shared/records/record-authenticator.ts';
import { sha256Hex } from '../../../shared/sha256.ts';
import { payloadOfMany } from '../../formats/flat-features.ts';

const recordsWith = (...secrets: string[]) =>
  new FeatureRecords(new RecordAuthenticator(secrets), NODE_BASE64);
const records = recordsWith('the secret');

function resultOf(count: number): { summary: FeatureSummary; payload: Uint8Array<ArrayBuffer>; key: string } {
  const payload = payloadOfMany(count);
  const { metadata } = decodePayload(payload);
  const summary = { metadata, count, expiresAt: Date.now() + 1_000 };
  return { summary, payload, key: keyOfSummary(summary) };
}

async function writtenBy(
  writer: FeatureRecords,
  { summary, payload }: Pick<ReturnType<typeof resultOf>, 'summary' | 'payload'>,
): Promise<Map<string, string>> {
  const written = await writer.write(summary, payload);
  return new Map(Array.from(written, ([key, value]) => [key, Buffer.from(value).toString()]));
}

describe('the records of a result', () => {
  test.each([0, 5, 100_000])('give back what was written, with %i keypoints', async (count) => {
    const { summary, payload, key } = resultOf(count);
    const written = await writtenBy(records, { summary, payload });
    expect([...written.keys()].at(-1)).toBe(summaryKey(key));
    const stored = await records.readSummary(key, written.get(summaryKey(key)) ?? '');
    expect(stored?.summary).toEqual(summary);
    if (!stored?.payload) throw new Error('no payload');
    const parts = Array.from(
      { length: stored.payload.parts },
      (_, part) => written.get(payloadKey(key, part)) ?? null,
    );
    const read = await records.readPayload(parts, stored);
    expect(Buffer.from(read ?? []).equals(payload)).toBe(true);
    expect(await records.readPayload([...parts.slice(1), null], stored)).toBeUndefined();
  });

  test('of another writer, of another place, or changed: are not read', async () => {
    const { summary, payload, key } = resultOf(3);
    const text = (await writtenBy(records, { summary, payload })).get(summaryKey(key)) ?? '';
    const forged = (await writtenBy(recordsWith('a guess'), { summary, payload })).get(summaryKey(key)) ?? '';
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
    const text =
      (await writtenBy(recordsWith('new', 'old'), { summary, payload })).get(summaryKey(key)) ?? '';
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
      const stored = await records.readSummary(key, written.get(summaryKey(key)) ?? '');
      if (!stored) throw new Error('no summary');
      expect(await records.readPayload([written.get(payloadKey(key, 0)) ?? null], stored)).toBeUndefined();
    }
  });
});
