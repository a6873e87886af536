import { decodePayload, keyOf } from '../features/payload.ts';
import { SafetensorsError } from '../features/safetensors.ts';
import { sha256Hex } from '../sha256.ts';
import type { Base64 } from './base64.ts';
import { type FeatureSummary, keyOfSummary } from './feature-summary.ts';
import { type RecordAuthenticator, TAG_LENGTH } from './record-authenticator.ts';
import { decodeSummary, encodeSummary, MAX_PAYLOAD_PARTS, type StoredSummary } from './summary-text.ts';

/**
 * How a result is stored in Redis: a summary record, and its payload as base64 in parts. Upstash limits requests and
 * responses to 10 MB; base64 makes 8 MiB of a part's 6, which leaves room for the summary beside it.
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

export function payloadKey(key: string, part: number): string {
  return `features:${key}:payload:${part}`;
}

/** The feature key of a summary's Redis key. */
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

export type TextRecord = [key: string, text: string];
/** A record as it is stored; a payload's is ASCII text as bytes. */
export type KeyValue = TextRecord | [key: string, text: Uint8Array];

/** Writes and reads the records of results; the same at the edge and at the origin. */
export class FeatureRecords {
  readonly #authenticator: RecordAuthenticator;
  readonly #base64: Base64;

  constructor(authenticator: RecordAuthenticator, base64: Base64) {
    this.#authenticator = authenticator;
    this.#base64 = base64;
  }

  /**
   * Records as `[key, value]`, each made when it is requested; the summary last, so that where it is found its payload
   * was written. To be stored with a TTL that ends at `summary.expiresAt`.
   *
   * @param payload the safetensors file that `summary` describes
   */
  async write(summary: FeatureSummary, payload: Uint8Array<ArrayBuffer>): Promise<Iterable<KeyValue>> {
    const key = keyOfSummary(summary);
    const fits = payload.length <= PAYLOAD_PART_BYTES * MAX_PAYLOAD_PARTS;
    const parts = fits ? partsOf(payload) : [];
    const json = encodeSummary({
      summary,
      payload: fits ? { sha256: await sha256Hex(payload), parts: parts.length } : null,
    });
    const place = summaryKey(key);
    const tag = await this.#authenticator.sign(place, json);
    return this.#inTurn(key, parts, [place, tag + json]);
  }

  /** What a summary record says; undefined for one that is damaged, forged or belongs to another key. */
  async readSummary(key: string, record: string): Promise<StoredSummary | undefined> {
    const [tag, json] = [record.slice(0, TAG_LENGTH), record.slice(TAG_LENGTH)];
    if (!(await this.#authenticator.verify(summaryKey(key), json, tag))) return undefined;
    const stored = decodeSummary(json);
    return stored && keyOfSummary(stored.summary) === key ? stored : undefined;
  }

  /**
   * The payload whose parts these are, in order; undefined where one is missing or damaged, or where they are not the
   * payload that the summary describes.
   */
  async readPayload(
    parts: (string | null)[],
    { summary, payload: stored }: StoredSummary,
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const payload = await this.#join(parts);
    if (!payload || (await sha256Hex(payload)) !== stored?.sha256) return undefined;
    return describes(summary, payload) ? payload : undefined;
  }

  /** The base64 of a large payload is not in memory whole. */
  *#inTurn(key: string, parts: Uint8Array[], summary: KeyValue): Generator<KeyValue> {
    for (const [index, part] of parts.entries()) yield [payloadKey(key, index), this.#base64.encode(part)];
    yield summary;
  }

  async #join(parts: (string | null)[]): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const present = parts.filter((part) => part !== null);
    if (present.length < parts.length) return undefined;
    try {
      const [first, ...others] = present.map((part) => this.#base64.decode(part));
      if (!first || others.length === 0) return first;
      return new Uint8Array(await new Blob([first, ...others]).arrayBuffer());
    } catch {
      // Not base64.
      return undefined;
    }
  }
}

function partsOf(payload: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
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
