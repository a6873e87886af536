import * as z from 'zod';
import { extractorId } from '../../shared/extractor.ts';
import { sha256Schema } from '../../shared/feature-key.ts';
import { featureMetadataSchema } from '../../shared/features/payload.ts';
import { parseJson } from '../../shared/features/safetensors.ts';
import { sha256Hex } from '../../shared/sha256.ts';
import {
  type CachedFeatures,
  type CompleteFeatures,
  type FeatureSummary,
  keyOfSummary,
} from '../features.ts';

/**
 * How a result lies in Redis: a summary record, and its payload as base64 in up to {@link MAX_PAYLOAD_PARTS}
 * part records. Upstash takes 10 MB a request; base64 makes 8 MiB of a part's 6.
 */
const PART_BYTES = 6 * 1024 * 1024;
const MAX_PAYLOAD_PARTS = 4;
const DIGEST_LENGTH = 64;

const summaryRecordSchema = z.object({
  metadata: featureMetadataSchema,
  keypoints: z.int().min(0),
  expires_at: z.int(),
  payload_sha256: sha256Schema.nullable(),
});

export function summaryKey(key: string): string {
  return `features:${key}:summary`;
}

export function payloadKeys(key: string): string[] {
  return Array.from({ length: MAX_PAYLOAD_PARTS }, (_, part) => `features:${key}:payload:${part}`);
}

/** Records as `[key, value]`; the summary last, so that where it is found its payload was written. */
export async function recordsOf(features: CompleteFeatures): Promise<[key: string, value: string][]> {
  const { summary, payload } = features;
  const key = keyOfSummary(summary);
  const fits = payload.length <= PART_BYTES * MAX_PAYLOAD_PARTS;
  const parts = fits ? partsOf(payload) : [];
  const keys = payloadKeys(key);
  const json = JSON.stringify({
    metadata: { ...summary.metadata, extractor: extractorId(summary.metadata.extractor) },
    keypoints: summary.count,
    expires_at: summary.expiresAt,
    payload_sha256: fits ? await sha256Hex(payload) : null,
  });
  const digest = await sha256Hex(new TextEncoder().encode(json));
  return [
    ...parts.map((part, index): [string, string] => [keys[index] ?? '', part.toBase64()]),
    [summaryKey(key), digest + json],
  ];
}

function partsOf(payload: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < payload.length; at += PART_BYTES) parts.push(payload.subarray(at, at + PART_BYTES));
  return parts;
}

/** The summary of a record; undefined for one that is damaged or belongs to another key. */
export async function readSummary(
  key: string,
  record: string,
): Promise<{ summary: FeatureSummary; payloadSha256: string | null } | undefined> {
  const json = record.slice(DIGEST_LENGTH);
  if ((await sha256Hex(new TextEncoder().encode(json))) !== record.slice(0, DIGEST_LENGTH)) return undefined;
  const parsed = summaryRecordSchema.safeParse(parseJson(json));
  if (!parsed.success) return undefined;
  const { metadata, keypoints, expires_at, payload_sha256 } = parsed.data;
  const summary: FeatureSummary = { metadata, count: keypoints, expiresAt: expires_at };
  return keyOfSummary(summary) === key ? { summary, payloadSha256: payload_sha256 } : undefined;
}

/** A whole result; undefined where a record is damaged, or a part is missing. */
export async function readFeatures(
  key: string,
  record: string,
  parts: (string | null)[],
): Promise<CachedFeatures | undefined> {
  const found = await readSummary(key, record);
  if (!found?.payloadSha256) return undefined;
  const payload = await joinParts(parts);
  if (!payload || (await sha256Hex(payload)) !== found.payloadSha256) return undefined;
  return { summary: found.summary, payload };
}

async function joinParts(parts: (string | null)[]): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const present = parts.filter((part) => part !== null);
  try {
    const [first, ...others] = present.map((part) => Uint8Array.fromBase64(part));
    if (!first || others.length === 0) return first;
    return new Uint8Array(await new Blob([first, ...others]).arrayBuffer());
  } catch {
    return undefined;
  }
}
