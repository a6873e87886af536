import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { parseSiftParameters } from '../../shared/contract/parameters.ts';
import { checkDenoising, denoisingMs } from '../../shared/denoising.ts';
import { featureKey } from '../../shared/feature-key.ts';
import { SAFETENSORS_CONTENT_TYPE } from '../../shared/features/safetensors.ts';
import { EXTRACT_PATH, ORIGIN_HEADERS } from '../../shared/origin-protocol.ts';
import { denoisingBytes, extractionBytes } from '../pool/memory.ts';
import type { ExtractionResult, ExtractionTask } from '../pool/messages.ts';
import type { Completed, ExtractionPool } from '../pool/pool.ts';
import { SingleFlight } from '../single-flight.ts';
import { receiveUpload } from '../upload.ts';
import { tooManyUploads } from '../upload-memory.ts';
import { addJobRoute, type JobDependencies, type JobRequest } from './job-route.ts';

type Extraction = Completed<ExtractionResult>;

/** `POST /v1/extract`, see shared/origin-protocol.ts. */
export async function extractRoute(app: FastifyInstance, dependencies: JobDependencies): Promise<void> {
  const flights = new SingleFlight<Extraction>();
  addJobRoute(app, EXTRACT_PATH, dependencies, async (job, request, reply) =>
    sendExtraction(reply, await extract(job, request, flights, dependencies)),
  );
}

async function extract(
  { query, signal }: JobRequest,
  request: FastifyRequest,
  flights: SingleFlight<Extraction>,
  { extractor, engine, limits, pool, uploads, metrics }: JobDependencies,
): Promise<Extraction> {
  const parameters = parseSiftParameters(query);
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
