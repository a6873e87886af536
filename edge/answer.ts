import type { DetectAnswer } from '../shared/contract/answers.ts';
import {
  DEFAULT_SIFT_PARAMETERS,
  type Representation,
  type SiftParameters,
} from '../shared/contract/parameters.ts';
import { DESCRIPTOR_LENGTH } from '../shared/features/descriptor.ts';
import { featureJson } from '../shared/features/json.ts';
import { decodePayload, rootSiftPayload } from '../shared/features/payload.ts';
import { SAFETENSORS_CONTENT_TYPE } from '../shared/features/safetensors.ts';
import type { EdgeContext } from './context.ts';
import type { FoundFeatures } from './feature-source.ts';
import { type CompleteFeatures, type FeatureSummary, keyOfSummary } from './features.ts';
import type { Format } from './negotiation.ts';

/** One result in the format asked for. */
export function answerFeatures(
  context: EdgeContext,
  found: FoundFeatures,
  format: Format,
  representation: Representation,
): Response {
  context.header('X-Cache', found.tier ? `HIT ${found.tier}` : 'MISS');
  context.header('ETag', etagOf(keyOfSummary(found.summary), format, representation));
  context.header('Vary', 'Accept');
  if (format === 'safetensors') return answerSafetensors(context, requirePayload(found), representation);
  const answer = detectAnswer(context, found);
  if (representation.include === 'summary') return context.json(answer);
  const { features } = decodePayload(requirePayload(found).payload);
  return context.body(streamText(featureJson(answer, features, representation)), 200, {
    'Content-Type': 'application/json',
  });
}

/**
 * The entity tag (RFC 9110, 8.8.3) of a result in one representation: the feature key says everything. Strong
 * for the safetensors file, the same bytes for ever; weak for JSON, which also tells how this answer came about.
 */
export function etagOf(key: string, format: Format, { include, root_sift }: Representation): string {
  const view = root_sift ? 'root-sift' : 'sift';
  return format === 'json' ? `W/"${key};json;${include};${view}"` : `"${key};${format};${view}"`;
}

/** For how long the caches will keep it, in whole seconds. */
export function secondsLeft({ expiresAt }: FeatureSummary): number {
  return Math.max(0, Math.ceil((expiresAt - Date.now()) / 1000));
}

function requirePayload(found: FoundFeatures): CompleteFeatures {
  const { summary, payload } = found;
  if (!payload) throw new Error('the payload was not asked for');
  return { summary, payload };
}

function answerSafetensors(
  context: EdgeContext,
  { payload }: CompleteFeatures,
  representation: Representation,
) {
  const file = representation.root_sift ? rootSiftPayload(decodePayload(payload)) : payload;
  return context.body(file, 200, { 'Content-Type': SAFETENSORS_CONTENT_TYPE });
}

function detectAnswer(context: EdgeContext, { summary, tier }: FoundFeatures): DetectAnswer {
  const { metadata, count } = summary;
  const { extractor, parameters, image } = metadata;
  return {
    success: true,
    keypoints: count,
    descriptors_shape: [count, DESCRIPTOR_LENGTH],
    cached: tier !== null,
    processing_time_ms: Number(context.get('timing').elapsedMs.toFixed(1)),
    request_id: context.get('requestId'),
    image,
    extractor: { name: extractor.name, version: extractor.version, parameters },
    cache: {
      tier,
      key: keyOfSummary(summary),
      ttl_s: secondsLeft(summary),
    },
    links: {
      self: linkTo(image.sha256, parameters),
      safetensors: linkTo(image.sha256, parameters, ['format', 'safetensors']),
    },
  };
}

/** Names just the parameters that are not the defaults. */
function linkTo(sha256: string, parameters: SiftParameters, ...extra: [string, string][]): string {
  const changed = Object.entries(parameters)
    .filter(([name, value]) => value !== DEFAULT_SIFT_PARAMETERS[name as keyof SiftParameters])
    .map(([name, value]): [string, string] => [name, String(value)]);
  const query = new URLSearchParams([...changed, ...extra]).toString();
  return `/api/v1/features/${sha256}${query && `?${query}`}`;
}

function streamText(pieces: Iterator<string>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    pull(controller) {
      const { done, value } = pieces.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
  });
}
