import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { asServiceError, ServiceError } from '../../shared/contract/errors.ts';
import type { ImageLimits } from '../../shared/contract/limits.ts';
import { parseSiftParameters } from '../../shared/contract/parameters.ts';
import type { Extractor } from '../../shared/extractor.ts';
import { featureKey } from '../../shared/feature-key.ts';
import { SAFETENSORS_CONTENT_TYPE } from '../../shared/features/safetensors.ts';
import { EXTRACT_PATH, ORIGIN_HEADERS } from '../../shared/origin-protocol.ts';
import { authenticate } from '../authentication.ts';
import { callerSignal } from '../caller.ts';
import type { InFlight } from '../in-flight.ts';
import type { OriginMetrics } from '../metrics.ts';
import type { SiftEngine } from '../native/addon.ts';
import { extractionBytes } from '../pool/memory.ts';
import type { Extraction, ExtractionPool } from '../pool/pool.ts';
import { SingleFlight } from '../single-flight.ts';
import { receiveUpload } from '../upload.ts';
import type { UploadMemory } from '../upload-memory.ts';

export interface ExtractDependencies {
  extractor: Extractor;
  engine: SiftEngine;
  secret: CryptoKey;
  limits: ImageLimits;
  timeoutMs: number;
  pool: ExtractionPool;
  uploads: UploadMemory;
  inFlight: InFlight;
  metrics: OriginMetrics;
}

/** `POST /v1/extract`, see shared/origin-protocol.ts. */
export async function extractRoute(app: FastifyInstance, dependencies: ExtractDependencies): Promise<void> {
  // Whatever its type, the body stays unread until the handler has checked the head.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  const { inFlight, metrics } = dependencies;
  const flights = new SingleFlight<Extraction>();

  app.post(EXTRACT_PATH, async (request, reply) => {
    let outcome = 'ok';
    reply.raw.once('close', () => {
      metrics.requests.inc({ outcome: reply.raw.writableFinished ? outcome : 'caller_gone' });
    });
    try {
      inFlight.enter();
      reply.raw.once('close', () => inFlight.leave());
      return sendExtraction(reply, await extract(request, reply, flights, dependencies));
    } catch (error) {
      outcome = asServiceError(error).code.toLowerCase();
      throw error;
    }
  });
}

async function extract(
  request: FastifyRequest,
  reply: FastifyReply,
  flights: SingleFlight<Extraction>,
  { extractor, engine, secret, limits, timeoutMs, pool, uploads, metrics }: ExtractDependencies,
): Promise<Extraction> {
  const { method, url, headers } = request;
  await authenticate(secret, { method, pathAndQuery: url, headers }, Date.now());
  const signal = callerSignal(reply.raw, timeBudget(headers[ORIGIN_HEADERS.timeBudget], timeoutMs));
  const parameters = parseSiftParameters(new URLSearchParams(url.slice(EXTRACT_PATH.length)));
  const { bytes, sha256, header, release } = await receiveUpload(request.raw, {
    limits,
    memory: uploads,
    signal,
    overloaded: () => tooManyUploads(pool),
  });
  const memoryBytes = extractionBytes(engine, header, bytes.length, parameters);
  const task = { bytes, sha256, format: header.format, parameters, maxPixels: limits.maxPixels };
  const { joined, result } = flights.run(featureKey(extractor, parameters, sha256), signal, (everyoneLeft) =>
    pool.run(task, memoryBytes, everyoneLeft).finally(release),
  );
  if (joined) {
    release();
    metrics.joins.inc();
  }
  return result;
}

function sendExtraction(reply: FastifyReply, extraction: Extraction): FastifyReply {
  const { payload, queueMs, decodeMs, siftMs } = extraction;
  const timings = { queue: queueMs, decode: decodeMs, sift: siftMs };
  const serverTiming = Object.entries(timings).map(([name, ms]) => `${name};dur=${ms.toFixed(1)}`);
  return reply
    .header(ORIGIN_HEADERS.serverTiming, serverTiming.join(', '))
    .type(SAFETENSORS_CONTENT_TYPE)
    .send(payload);
}

/** Milliseconds: what the caller allows, at most what this server allows. */
function timeBudget(header: string | string[] | undefined, timeoutMs: number): number {
  if (header === undefined) return timeoutMs;
  if (typeof header === 'string' && /^[1-9]\d{0,8}$/.test(header)) return Math.min(Number(header), timeoutMs);
  throw new ServiceError('INVALID_PARAMETER', `${ORIGIN_HEADERS.timeBudget} must be a whole number.`, {
    details: { parameter: ORIGIN_HEADERS.timeBudget },
  });
}

function tooManyUploads(pool: ExtractionPool): ServiceError {
  return new ServiceError('OVERLOADED', 'Too many uploads are in progress.', {
    retryAfterSeconds: pool.estimatedWaitSeconds,
  });
}
