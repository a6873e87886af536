import {
  DEFAULT_SIFT_PARAMETERS,
  parameterPairs,
  type Representation,
  type SiftParameters,
} from '../../shared/contract/parameters.ts';
import type { DetectResponse } from '../../shared/contract/responses.ts';
import { DESCRIPTOR_LENGTH } from '../../shared/features/descriptor.ts';
import { encodeText, FEATURE_FILES, type FileFormat } from '../../shared/features/files.ts';
import { featureJson } from '../../shared/features/json.ts';
import { decodePayload } from '../../shared/features/payload.ts';
import { keyOfSummary } from '../../shared/records/feature-summary.ts';
import type { EdgeContext } from '../context.ts';
import { gzipChunks, wantsGzip } from '../http/compression.ts';
import type { Format } from '../http/negotiation.ts';
import { chunksOf, outgoingStream } from '../http/outgoing-stream.ts';
import { SECURITY_HEADERS } from '../middleware/security-headers.ts';
import type { Timing } from '../observability/timing.ts';
import type { MemoryLease } from '../resilience/memory-budget.ts';
import type { CompleteFeatures } from './cached-features.ts';
import { type FoundFeatures, secondsLeft } from './feature-source.ts';

/** The responses to one URL depend on these request headers. */
export const FEATURES_VARY = 'Accept, Accept-Encoding';

/** Headers of all responses with features; copied as a whole, since setting each header would cost every hit. */
const FEATURES_HEADERS = new Headers({
  ...SECURITY_HEADERS,
  'Content-Type': 'application/json',
  Vary: FEATURES_VARY,
});

/** A shorter file is sent whole: the platform copies it, and nothing is held for a reader that does not read. */
const STREAMED_FROM_BYTES = 256 * 1024;

/**
 * One result in the requested format.
 *
 * @param hold of the payload, where there is one; released when the response is sent
 */
export function respondWithFeatures(
  context: EdgeContext,
  found: FoundFeatures,
  {
    format,
    representation,
    hold,
  }: { format: Format; representation: Representation; hold?: MemoryLease | undefined },
): Response {
  const response =
    format === 'json'
      ? respondWithJson(context, found, representation, hold)
      : respondWithFile(requirePayload(found), format, representation, hold);
  response.headers.set('X-Cache', found.tier ? `HIT ${found.tier}` : 'MISS');
  response.headers.set('ETag', etagOf(keyOfSummary(found.summary), format, representation));
  return response;
}

/**
 * The entity tag (RFC 9110, 8.8.3) of a result in one representation: the feature key says everything. Strong
 * for files, whose bytes never change; weak for JSON, which also says how this response came about, and which may
 * be sent compressed.
 */
export function etagOf(key: string, format: Format, { include, root_sift }: Representation): string {
  const view = root_sift ? 'root-sift' : 'sift';
  if (format === 'json') return `W/"${key};json;${include};${view}"`;
  return `"${key};${format}${REVISIONS[format] ?? ''};${view}"`;
}

/** Distinguish the bytes of a format from those of an earlier version of this service. */
const REVISIONS: Partial<Record<FileFormat, string>> = { npz: '-2' };

export function requirePayload(found: FoundFeatures): CompleteFeatures {
  const { summary, payload } = found;
  if (!payload) throw new Error('the payload was not asked for');
  return { summary, payload };
}

function respondWithJson(
  context: EdgeContext,
  found: FoundFeatures,
  representation: Representation,
  hold?: MemoryLease,
): Response {
  const response = detectResponse(found, {
    requestId: context.get('requestId'),
    timing: context.get('timing'),
  });
  if (representation.include === 'summary') return newResponse(JSON.stringify(response));
  const { features } = decodePayload(requirePayload(found).payload);
  const json = encodeText(featureJson(response, features, representation));
  if (!wantsGzip(context, features.count)) return newResponse(outgoingStream(json, hold));
  const headers = new Headers(FEATURES_HEADERS);
  headers.set('Content-Encoding', 'gzip');
  // Without this, workerd would encode the body a second time.
  const alreadyEncoded = { headers, encodeBody: 'manual' as const };
  return new Response(outgoingStream(gzipChunks(json), hold), alreadyEncoded);
}

function respondWithFile(
  { summary, payload }: CompleteFeatures,
  format: FileFormat,
  representation: Representation,
  hold?: MemoryLease,
): Response {
  const { mediaTypes, extension, write } = FEATURE_FILES[format];
  const file = write(payload, { rootSift: representation.root_sift });
  const response = newResponse(bodyOf(file, hold));
  const fileName = `${summary.metadata.image.sha256}.${extension}`;
  response.headers.set('Content-Type', mediaTypes[0]);
  response.headers.set('Content-Disposition', `attachment; filename="${fileName}"`);
  return response;
}

function bodyOf(
  file: Uint8Array<ArrayBuffer> | Generator<Uint8Array>,
  hold: MemoryLease | undefined,
): Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> {
  if (!(file instanceof Uint8Array)) return outgoingStream(file, hold);
  if (file.length >= STREAMED_FROM_BYTES) return outgoingStream(chunksOf(file), hold);
  hold?.release();
  return file;
}

function newResponse(body: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>): Response {
  return new Response(body, { headers: FEATURES_HEADERS });
}

/** The fields that every JSON response about one image has. */
export function detectResponse(
  { summary, tier }: FoundFeatures,
  { requestId, timing }: { requestId: string; timing: Timing },
): DetectResponse {
  const { metadata, count } = summary;
  const { extractor, parameters, image } = metadata;
  return {
    success: true,
    keypoints: count,
    descriptors_shape: [count, DESCRIPTOR_LENGTH],
    cached: tier !== null,
    processing_time_ms: Number(timing.elapsedMs.toFixed(1)),
    request_id: requestId,
    image,
    extractor: { name: extractor.name, version: extractor.version, parameters },
    cache: {
      tier,
      key: keyOfSummary(summary),
      ttl_s: secondsLeft(summary),
    },
    links: linksTo(image.sha256, parameters),
  };
}

const DEFAULT_VALUES = new Map(parameterPairs(DEFAULT_SIFT_PARAMETERS));

/** They name just the parameters that are not the defaults; names and numbers need no escaping in a query. */
function linksTo(sha256: string, parameters: SiftParameters): DetectResponse['links'] {
  const changed = parameterPairs(parameters).filter(([name, value]) => value !== DEFAULT_VALUES.get(name));
  const query = changed.map((pair) => pair.join('='));
  const path = `/api/v1/features/${sha256}`;
  return {
    self: query.length === 0 ? path : `${path}?${query.join('&')}`,
    safetensors: `${path}?${[...query, 'format=safetensors'].join('&')}`,
  };
}
