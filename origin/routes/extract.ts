import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { asServiceError } from '../../shared/contract/errors.ts';
import type { ImageLimits } from '../../shared/contract/limits.ts';
import { parseSiftParameters } from '../../shared/contract/parameters.ts';
import { checkDenoising, denoisingMs } from '../../shared/denoising.ts';
import type { Extractor } from '../../shared/extractor.ts';
import { featureKey } from '../../shared/feature-key.ts';
import { SAFETENSORS_CONTENT_TYPE } from '../../shared/features/safetensors.ts';
import { EXTRACT_PATH, ORIGIN_HEADERS } from '../../shared/origin-protocol.ts';
import { authenticate } from '../authentication.ts';
import { callerSignal, timeBudget } from '../caller.ts';
import type { InFlight } from '../in-flight.ts';
import type { OriginMetrics } from '../metrics.ts';
import type { SiftEngine } from '../native/addon.ts';
import { denoisingBytes, extractionBytes } from '../pool/memory.ts';
import type { ExtractionResult, ExtractionTask } from '../pool/messages.ts';
import type { Completed, ExtractionPool } from '../pool/pool.ts';
import { SingleFlight } from '../single-flight.ts';
import { receiveUpload } from '../upload.ts';
import { tooManyUploads, type UploadMemory } from '../upload-memory.ts';

type Extraction = Completed<ExtractionResult>;

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
  checkDenoising(header, parameters);
  const memoryBytes = Math.max(
    extractionBytes(engine, header, bytes.length, parameters),
    denoisingBytes(header, bytes.length, parameters),
  );
  const task: ExtractionTask = {
    kind: 'extract',
    bytes,
    sha256,
    format: header.format,
    parameters,
    maxPixels: limits.maxPixels,
  };
  const { joined, result } = flights.run(featureKey(extractor, parameters, sha256), signal, (everyoneLeft) =>
    runExtraction(
      pool,
      task,
      { memoryBytes, extraMs: denoisingMs(header.width * header.height, parameters) },
      everyoneLeft,
    ).finally(release),
  );
  if (joined) {
    release();
    metrics.joins.inc();
  }
  return result;
}

async function runExtraction(
  pool: ExtractionPool,
  task: ExtractionTask,
  { memoryBytes, extraMs }: { memoryBytes: number; extraMs: number },
  signal: AbortSignal,
): Promise<Extraction> {
  const result = await pool.run(task, memoryBytes, signal, extraMs);
  if (result.kind !== 'extracted') throw new TypeError('a thread answered another task than it was given');
  return result;
}

function sendExtraction(reply: FastifyReply, extraction: Extraction): FastifyReply {
  const { payload, queueMs, decodeMs, denoiseMs, siftMs } = extraction;
  const denoise = denoiseMs === undefined ? {} : { denoise: denoiseMs };
  const timings = { queue: queueMs, decode: decodeMs, ...denoise, sift: siftMs };
  const serverTiming = Object.entries(timings).map(([name, ms]) => `${name};dur=${ms.toFixed(1)}`);
  return reply
    .header(ORIGIN_HEADERS.serverTiming, serverTiming.join(', '))
    .type(SAFETENSORS_CONTENT_TYPE)
    .send(payload);
}
