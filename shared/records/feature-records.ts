import { decodePayload, keyOf } from '../features/payload.ts';
import { SafetensorsError } from '../features/safetensors.ts';
import { toHex } from '../hex.ts';
import { type Sha256, sha256 as webSha256 } from '../sha256.ts';
import { type FeatureSummary, keyOfSummary } from './feature-summary.ts';
import { type RecordAuthenticator, TAG_LENGTH } from './record-authenticator.ts';
import { decodeSummary, encodeSummary, MAX_PAYLOAD_PARTS, type StoredSummary } from './summary-text.ts';

/**
 * How a result is stored in Redis: a summary record, and the bytes of its payload in parts. Upstash limits requests and
 * responses to 10 MB: a part leaves room for the summary beside it.
 *
 * The summary record is `tag + JSON`: the tag authenticates the JSON, and the JSON has the payload's SHA-256.
 */
export const PAYLOAD_PART_BYTES = 6 * 1024 * 1024;

/**
 * Holds when a result was last deleted on purpose, in milliseconds since the Unix epoch. It distinguishes a deleted result from
 * one that Redis has lost, of which a copy in an isolate's memory is as good as ever.
 */
export const LAST_DELETION_KEY = 'features-last-deletion';

export function summaryKey(key: string): string {
  return `features:${key}:summary`;
}

/** The key names the form, so that a reader of another form does not find it. */
export function payloadKey(key: string, part: number): string {
  return `features:${key}:bytes:${part}`;
}

/** The feature key of a summary's Redis key. */
export function featureKeyOfSummary(recordKey: string): string {
  return recordKey.slice('features:'.length, -':summary'.length);
}

/** Every record that a result can have in Redis: its key there, and its name beside the others. */
export function featureRecordsOf(key: string): { place: string; name: string }[] {
  const parts = Array.from({ length: MAX_PAYLOAD_PARTS }, (_, part) => part);
  return [
    { place: summaryKey(key), name: 'summary' },
    ...parts.map((part) => ({ place: payloadKey(key, part), name: `payload:${part}` })),
  ];
}

export type TextRecord = [key: string, text: string];
/** A record as it is stored. */
export type KeyValue = TextRecord | [key: string, bytes: Uint8Array<ArrayBuffer>];

/** Writes and reads the records of results; the same at the edge and at the origin. */
export class FeatureRecords {
  readonly #authenticator: RecordAuthenticator;
  readonly #sha256: Sha256;

  constructor(authenticator: RecordAuthenticator, sha256: Sha256 = webSha256) {
    this.#authenticator = authenticator;
    this.#sha256 = sha256;
  }

  /**
   * Records as `[key, value]`; the summary last, so that where it is found its payload was written. To be stored with a
   * TTL that ends at `summary.expiresAt`.
   *
   * @param payload the safetensors file that `summary` describes; its records are views of it
   */
  async write(summary: FeatureSummary, payload: Uint8Array<ArrayBuffer>): Promise<KeyValue[]> {
    const key = keyOfSummary(summary);
    const fits = payload.length <= PAYLOAD_PART_BYTES * MAX_PAYLOAD_PARTS;
    const parts = fits ? partsOf(payload) : [];
    const json = encodeSummary({
      summary,
      payload: fits ? { sha256: toHex(await this.#sha256(payload)), parts: parts.length } : null,
    });
    const place = summaryKey(key);
    const tag = await this.#authenticator.sign(place, json);
    return [...parts.map((part, index): KeyValue => [payloadKey(key, index), part]), [place, tag + json]];
  }

  /** What a summary record says; undefined for one that is damaged, forged or belongs to another key. */
  async readSummary(
    key: string,
    record: string | Uint8Array<ArrayBuffer>,
  ): Promise<StoredSummary | undefined> {
    const text = typeof record === 'string' ? record : new TextDecoder().decode(record);
    const [tag, json] = [text.slice(0, TAG_LENGTH), text.slice(TAG_LENGTH)];
    if (!(await this.#authenticator.verify(summaryKey(key), json, tag))) return undefined;
    const stored = decodeSummary(json);
    return stored && keyOfSummary(stored.summary) === key ? stored : undefined;
  }

  /**
   * The payload whose parts these are, in order; undefined where one is missing or damaged, or where they are not the
   * payload that the summary describes.
   */
  async readPayload(
    parts: (Uint8Array<ArrayBuffer> | null)[],
    { summary, payload: stored }: StoredSummary,
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const payload = join(parts);
    if (!payload || toHex(await this.#sha256(payload)) !== stored?.sha256) return undefined;
    return describes(summary, payload) ? payload : undefined;
  }
}

/** Not by a Blob: that would be one more copy than the edge counts. */
function join(parts: (Uint8Array<ArrayBuffer> | null)[]): Uint8Array<ArrayBuffer> | undefined {
  const present = parts.filter((part) => part !== null);
  if (present.length < parts.length) return undefined;
  const [first, ...others] = present;
  if (!first || others.length === 0) return first;
  const joined = new Uint8Array(present.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of present) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

function partsOf(payload: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for (let at = 0; at < payload.length; at += PAYLOAD_PART_BYTES)
    parts.push(payload.subarray(at, at + PAYLOAD_PART_BYTES));
  return parts;
}

/** A writer's mistake must be a miss for everyone, not a failure for everyone until it expires. */
function describes(summary: FeatureSummary, payload: Uint8Array<ArrayBuffer>): boolean {
  try {
    const { metadata, features } = decodePayload(payload);
    return keyOf(metadata) === keyOfSummary(summary) && features.count === summary.count;
  } catch (error) {
    if (error instanceof SafetensorsError) return false;
    throw error;
  }
}
