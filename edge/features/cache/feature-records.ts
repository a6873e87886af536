import * as z from 'zod';
import { extractorId } from '../../../shared/extractor.ts';
import { sha256Schema } from '../../../shared/feature-key.ts';
import { featureMetadataSchema } from '../../../shared/features/payload.ts';
import { parseJson } from '../../../shared/features/safetensors.ts';
import { sha256Hex } from '../../../shared/sha256.ts';
import { type CompleteFeatures, type FeatureSummary, keyOfSummary } from '../cached-features.ts';

/**
 * How a result lies in Redis: a summary record, and its payload as base64 in parts. Upstash limits requests and
 * answers to 10 MB; base64 makes 8 MiB of a part's 6, which leaves room for the summary beside it.
 */
const PART_BYTES = 6 * 1024 * 1024;
const MAX_PAYLOAD_PARTS = 4;
const DIGEST_LENGTH = 64;

const summaryRecordSchema = z.object({
  metadata: featureMetadataSchema,
  keypoints: z.int().min(0),
  expires_at: z.int(),
  payload: z.object({ sha256: sha256Schema, parts: z.int().min(1).max(MAX_PAYLOAD_PARTS) }).nullable(),
});

export function summaryKey(key: string): string {
  return `features:${key}:summary`;
}

export function payloadKey(key: string, part: number): string {
  return `features:${key}:payload:${part}`;
}

/** The feature key that a summary lies under. */
export function featureKeyOfSummary(recordKey: string): string {
  return recordKey.slice('features:'.length, -':summary'.length);
}

/** Every record that a result can have in Redis. */
export function recordKeys(key: string): string[] {
  return [summaryKey(key), ...Array.from({ length: MAX_PAYLOAD_PARTS }, (_, part) => payloadKey(key, part))];
}

/** `summary`, `payload:0`, … */
export function recordName(key: string, recordKey: string): string {
  return recordKey.slice(`features:${key}:`.length);
}

/** What a summary record says. */
export interface StoredSummary {
  summary: FeatureSummary;
  /** Null where the payload is too large to be stored. */
  payload: { sha256: string; parts: number } | null;
}

export type KeyValue = [key: string, value: string];

/**
 * Records as `[key, value]`, each made when it is asked for; the summary last, so that where it is found its payload was
 * written.
 */
export async function recordsOf(features: CompleteFeatures): Promise<Iterable<KeyValue>> {
  const { summary, payload } = features;
  const key = keyOfSummary(summary);
  const fits = payload.length <= PART_BYTES * MAX_PAYLOAD_PARTS;
  const parts = fits ? partsOf(payload) : [];
  const json = JSON.stringify({
    metadata: { ...summary.metadata, extractor: extractorId(summary.metadata.extractor) },
    keypoints: summary.count,
    expires_at: summary.expiresAt,
    payload: fits ? { sha256: await sha256Hex(payload), parts: parts.length } : null,
  });
  const digest = await sha256Hex(new TextEncoder().encode(json));
  return inTurn(key, parts, [summaryKey(key), digest + json]);
}

/** The base64 of a large payload is not in memory whole. */
function* inTurn(key: string, parts: Uint8Array[], summary: KeyValue): Generator<KeyValue> {
  for (const [index, part] of parts.entries()) yield [payloadKey(key, index), part.toBase64()];
  yield summary;
}

function partsOf(payload: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < payload.length; at += PART_BYTES) parts.push(payload.subarray(at, at + PART_BYTES));
  return parts;
}

/** What a summary record says; undefined for one that is damaged or belongs to another key. */
export async function readSummary(key: string, record: string): Promise<StoredSummary | undefined> {
  const json = record.slice(DIGEST_LENGTH);
  if ((await sha256Hex(new TextEncoder().encode(json))) !== record.slice(0, DIGEST_LENGTH)) return undefined;
  const parsed = summaryRecordSchema.safeParse(parseJson(json));
  if (!parsed.success) return undefined;
  const { metadata, keypoints, expires_at, payload } = parsed.data;
  const summary: FeatureSummary = { metadata, count: keypoints, expiresAt: expires_at };
  return keyOfSummary(summary) === key ? { summary, payload } : undefined;
}

/** The payload whose parts these are, in order; undefined where one is missing or damaged. */
export async function readPayload(
  parts: (string | null)[],
  sha256: string,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const payload = await joinParts(parts);
  return payload && (await sha256Hex(payload)) === sha256 ? payload : undefined;
}

async function joinParts(parts: (string | null)[]): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const present = parts.filter((part) => part !== null);
  if (present.length < parts.length) return undefined;
  try {
    const [first, ...others] = present.map((part) => Uint8Array.fromBase64(part));
    if (!first || others.length === 0) return first;
    return new Uint8Array(await new Blob([first, ...others]).arrayBuffer());
  } catch {
    // Not base64.
    return undefined;
  }
}
