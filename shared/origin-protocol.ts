import { fromHex, toHex } from './hex.ts';
import { type HmacKey, type ImportHmacKey, importWebHmacKey } from './hmac.ts';
import { sha256Hex } from './sha256.ts';
import { utf8 } from './utf8.ts';

/**
 * What edge and origin say to each other: `POST /v1/extract?<SIFT parameters>` with the image file as body,
 * signed by a shared secret. The response is the feature payload or, with `Accept: application/json`, the summary alone
 * as {@link encodeSummary} writes it; or a problem document with the same codes as the public API.
 */
export const EXTRACT_PATH = '/v1/extract';

/**
 * `POST /v1/match?<geometry parameters>`, signed alike, with two feature payloads as body, see
 * {@link joinPayloads}. The response is JSON of `matchResultSchema`.
 */
export const MATCH_PATH = '/v1/match';

/**
 * `POST /v1/classify?<box, include>`, signed alike, with the image file as body. The response is JSON of
 * `vehicleRecordSchema`; `SERVICE_NOT_READY` where there is no model.
 */
export const CLASSIFY_PATH = '/v1/classify';

/** `GET /v1/vehicle-model`: JSON of `vehicleStateSchema`. Not signed, as health is not. */
export const VEHICLE_MODEL_PATH = '/v1/vehicle-model';

const LENGTH_BYTES = 4;

/** Two payloads in one body: the first one's length in 4 bytes, little-endian, then one after the other. */
export function joinPayloads(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const body = new Uint8Array(LENGTH_BYTES + first.length + second.length);
  new DataView(body.buffer).setUint32(0, first.length, true);
  body.set(first, LENGTH_BYTES);
  body.set(second, LENGTH_BYTES + first.length);
  return body;
}

/** The two payloads as views into a body; undefined where its length does not fit. */
export function splitPayloads(
  body: Uint8Array<ArrayBuffer>,
): [Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>] | undefined {
  if (body.length < LENGTH_BYTES) return undefined;
  const end = LENGTH_BYTES + new DataView(body.buffer, body.byteOffset).getUint32(0, true);
  return end > body.length ? undefined : [body.subarray(LENGTH_BYTES, end), body.subarray(end)];
}

export const ORIGIN_HEADERS = {
  /** RFC 9530, of the body. Also what a load balancer hashes, so that one image always meets one origin. */
  contentDigest: 'content-digest',
  /** Milliseconds since the Unix epoch, at signing. */
  timestamp: 'x-edge-timestamp',
  /** Hexadecimal HMAC-SHA-256, see {@link signOriginRequest}. */
  signature: 'x-edge-signature',
  /** Milliseconds for which the edge will still wait: relative, so that clocks need not agree. */
  timeBudget: 'x-time-budget-ms',
  /** Names the client that a job is for, see {@link clientName}; signed. Jobs of one client share its place in the queue. */
  client: 'x-edge-client',
  /** Seconds for which the result is to be kept in Redis and in memory. */
  cacheTtl: 'x-cache-ttl-s',
  requestId: 'x-request-id',
  traceParent: 'traceparent',
  serverTiming: 'server-timing',
} as const;

/** How far a signature's timestamp may lie from the origin's clock: bounds replay, allows for clock drift. */
export const SIGNATURE_WINDOW_MS = 60_000;

export interface SignedParts {
  method: string;
  /** As in the request line, query included. */
  pathAndQuery: string;
  timestampMs: number;
  contentDigest: string;
  /** Empty where no client is named. */
  client?: string;
}

const CLIENT_NAME = /^[0-9a-f]{32}$/;

/** Lets an origin group the jobs of one client without knowing its identity. */
export async function clientName(identity: string): Promise<string> {
  return (await sha256Hex(utf8(identity))).slice(0, 32);
}

export function isClientName(text: string): boolean {
  return CLIENT_NAME.test(text);
}

export async function importOriginSecret(
  secret: string,
  importKey: ImportHmacKey = importWebHmacKey,
): Promise<HmacKey> {
  return importKey(utf8(secret));
}

export async function signOriginRequest(key: HmacKey, parts: SignedParts): Promise<string> {
  return toHex(await key.sign(signedText(parts)));
}

/** Compares in constant time; false also for a signature that is not hexadecimal. Does not look at the clock. */
export async function verifyOriginRequest(
  key: HmacKey,
  parts: SignedParts,
  signature: string,
): Promise<boolean> {
  if (!/^[0-9a-f]{64}$/.test(signature)) return false;
  return key.verify(signedText(parts), fromHex(signature));
}

function signedText({
  method,
  pathAndQuery,
  timestampMs,
  contentDigest,
  client,
}: SignedParts): Uint8Array<ArrayBuffer> {
  const lines = [method, pathAndQuery, timestampMs, contentDigest, ...(client ? [client] : [])];
  return utf8(lines.join('\n'));
}

/** RFC 9530 `Content-Digest` field value. */
export function contentDigestOf(sha256: Uint8Array): string {
  return `sha-256=:${btoa(String.fromCharCode(...sha256))}:`;
}
