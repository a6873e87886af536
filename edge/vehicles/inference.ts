import { ServiceError } from '../../shared/contract/errors.ts';
import type { VehicleData, VehicleModel } from '../../shared/contract/vehicles.ts';
import type { EdgeContext } from '../context.ts';
import { verifyContentDigest } from '../http/content-digest.ts';
import { forEachImage } from '../ingest/for-each-image.ts';
import { admitImage } from '../middleware/rate-limit.ts';
import { Timing } from '../observability/timing.ts';
import type { MemoryLease } from '../resilience/memory-budget.ts';
import type { Services } from '../services.ts';
import { classifyUpload } from './classify-upload.ts';
import { type InferenceRequest, parseInferenceRequest } from './inference-request.ts';
import { checkOutputs, type InferenceResponse, inferenceResponse, joined } from './inference-response.ts';
import { setCacheHeader, vehicleData } from './vehicle-response.ts';
import type { FoundVehicle } from './vehicle-source.ts';

/** Longest body, in images of the largest size: base64 takes a third more than the file. */
const LARGEST_BODY_IN_IMAGES = 1.5;
const DOCUMENT_BYTES = 64 * 1024;
/** A JSON document while it is parsed: its bytes, its text, its strings, and the images that these are. */
const PARSED_COPIES = 4;
/** The longest JSON document whose copies have room in an isolate. */
const LARGEST_JSON_BYTES = 20 * 1024 * 1024;
const HEADER_LENGTH = 'Inference-Header-Content-Length';

/**
 * The model that is served.
 *
 * @throws ServiceError `SERVICE_NOT_READY`, `ORIGIN_UNAVAILABLE`; `NOT_FOUND` where the version asked for is another
 */
export async function servedModel(
  { vehicles }: Pick<Services, 'vehicles'>,
  version?: string,
): Promise<VehicleModel> {
  const model = await vehicles.model();
  if (!model) throw unreachable();
  if (version === undefined || version === model.version) return model;
  throw new ServiceError('NOT_FOUND', `The model has no version ${version.slice(0, 100)}.`);
}

/**
 * By the present state of the origin: the model that is known from before says nothing about it.
 *
 * @throws ServiceError as {@link servedModel}
 */
export async function requireReady(services: Services, version?: string): Promise<void> {
  await servedModel(services, version);
  const { vehicle_classifier_ready: isReady } = await services.health.check();
  if (!isReady) throw unreachable();
}

function unreachable(): ServiceError {
  return new ServiceError('ORIGIN_UNAVAILABLE', 'The vehicle classifier cannot be reached at the moment.', {
    retryAfterSeconds: 2,
  });
}

/** Responds to an inference request. One image that fails fails the request. Errors as of ingestion and classification. */
export async function respondToInference(
  context: EdgeContext,
  services: Services,
  version?: string,
): Promise<Response> {
  const { bytes, lease } = await services.ingest.receiveDocument(
    context.req.raw,
    largestBody(context, services),
  );
  try {
    const known = await servedModel(services, version);
    const request = await parseBody(context, bytes, lease);
    checkOutputs(request, known);
    const results = await classifyAll(context, services, request);
    checkVersions(results, version);
    const isKnown = results[0]?.model_version === known.version;
    // Another model may have taken over before the first image was classified.
    const model = isKnown ? known : await servedModel(services);
    return send(context, inferenceResponse(request, model, results));
  } finally {
    lease.release();
  }
}

/** @throws ServiceError `SERVICE_NOT_READY` where another model took over during the request */
function checkVersions(results: readonly VehicleData[], version: string | undefined): void {
  const versions = new Set(results.map((result) => result.model_version));
  if (versions.size <= 1 && (version === undefined || versions.has(version))) return;
  throw new ServiceError('SERVICE_NOT_READY', 'The model was replaced during the request.', {
    retryAfterSeconds: 1,
  });
}

function largestBody(context: EdgeContext, { ingest }: Services): number {
  const most = Math.floor(LARGEST_BODY_IN_IMAGES * ingest.maxImageBytes) + DOCUMENT_BYTES;
  const isJsonAlone = context.req.header(HEADER_LENGTH) === undefined;
  return isJsonAlone ? Math.min(most, LARGEST_JSON_BYTES) : most;
}

async function parseBody(
  context: EdgeContext,
  bytes: Uint8Array<ArrayBuffer>,
  lease: MemoryLease,
): Promise<InferenceRequest> {
  await verifyContentDigest(context.req.header('content-digest') ?? null, bytes);
  const headerLength = context.req.header(HEADER_LENGTH);
  if (headerLength !== undefined) return parseInferenceRequest(bytes, headerLength);
  await lease.resize(PARSED_COPIES * bytes.length);
  const request = parseInferenceRequest(bytes, headerLength);
  lease.fit(bytes.length + request.images.reduce((sum, image) => sum + image.length, 0));
  return request;
}

async function classifyAll(
  context: EdgeContext,
  services: Services,
  { images, parameters }: InferenceRequest,
): Promise<VehicleData[]> {
  const stop = new AbortController();
  const signal = AbortSignal.any([context.req.raw.signal, stop.signal]);
  const results = new Map<number, VehicleData>();
  try {
    await forEachImage(images.entries(), async ([index, bytes]) => {
      signal.throwIfAborted();
      results.set(index, await classifyOne(context, services, { bytes, index, images, parameters, signal }));
    });
  } finally {
    stop.abort();
  }
  return [...results].sort(([a], [b]) => a - b).map(([, data]) => data);
}

async function classifyOne(
  context: EdgeContext,
  services: Services,
  {
    bytes,
    index,
    images,
    parameters,
    signal,
  }: Pick<InferenceRequest, 'images' | 'parameters'> & {
    bytes: Uint8Array<ArrayBuffer>;
    index: number;
    signal: AbortSignal;
  },
): Promise<VehicleData> {
  const { rateLimit } = services.access;
  if (index > 0 && rateLimit) admitImage(rateLimit, context);
  const isOnly = images.length === 1;
  const timing = isOnly ? context.get('timing') : new Timing();
  const { options } = parameters;
  const part = { name: 'image', fileName: '', bytes };
  const found = await classifyUpload(context, services, { part, options, timing, signal });
  if (isOnly) setCacheHeader(context, found);
  else countLookUp(context, services, found, timing);
  return vehicleData(found, parameters, { requestId: context.get('requestId'), timing });
}

/** Counts the look-up of one image of many; the request itself is counted separately. */
function countLookUp(
  context: EdgeContext,
  { stats }: Services,
  { tier }: FoundVehicle,
  { elapsedMs }: Timing,
): void {
  stats.countLookUp(tier ?? 'origin', elapsedMs, (work) => context.executionCtx.waitUntil(work));
}

function send(context: EdgeContext, { json, tensors }: InferenceResponse): Response {
  if (tensors.length === 0) return context.json(json);
  const header = new TextEncoder().encode(JSON.stringify(json));
  return context.body(joined([header, ...tensors]), 200, {
    'Content-Type': 'application/octet-stream',
    [HEADER_LENGTH]: String(header.length),
  });
}
