import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { parseSiftParameters } from '../../shared/contract/parameters.ts';
import { featureKey } from '../../shared/feature-key.ts';
import { SAFETENSORS_CONTENT_TYPE } from '../../shared/features/safetensors.ts';
import { readImageHeader } from '../../shared/image-header.ts';
import { EXTRACT_PATH, ORIGIN_HEADERS } from '../../shared/origin-protocol.ts';
import { encodeSummary } from '../../shared/records/summary-text.ts';
import type { SharedResult } from '../cache/record-writer.ts';
import { cacheTtl } from '../http/cache-ttl.ts';
import { receiveUpload } from '../http/upload.ts';
import { tooManyUploads } from '../http/upload-memory.ts';
import { checkExtraction, extractionJob } from '../jobs/extraction-job.ts';
import type { ExtractionResult } from '../jobs/messages.ts';
import { SharedJobs } from '../jobs/shared-jobs.ts';
import type { Completed } from '../scheduler/pool.ts';
import { addJobRoute, type JobDependencies, type JobRequest } from './job-route.ts';

const JSON_CONTENT_TYPE = 'application/json';

interface Extraction extends SharedResult {
  /** `Server-Timing` of the work; empty where it was done for an earlier request. */
  serverTiming: string;
}

/** `POST /v1/extract`, see shared/origin-protocol.ts. */
export async function extractRoute(app: FastifyInstance, dependencies: JobDependencies): Promise<void> {
  const jobs = new SharedJobs<Extraction>(dependencies);
  addJobRoute(app, EXTRACT_PATH, dependencies, async (job, request, reply) =>
    sendExtraction(request, reply, await extract(job, request, jobs, dependencies)),
  );
}

async function extract(
  { query, signal, deadline, client }: JobRequest,
  request: FastifyRequest,
  jobs: SharedJobs<Extraction>,
  { extractor, engine, limits, pool, uploads, recordWriter }: JobDependencies,
): Promise<Extraction> {
  const parameters = parseSiftParameters(query);
  const { bytes, sha256, header, release } = await receiveUpload(
    request.raw,
    { limits, memory: uploads, signal, overloaded: () => tooManyUploads(pool) },
    (file) => {
      const header = readImageHeader(file);
      checkExtraction(header, parameters, limits);
      return header;
    },
  );
  const ttlSeconds = cacheTtl(request);
  const key = featureKey(extractor, parameters, sha256);
  const recent = recordWriter?.recent(key);
  if (recent) {
    release();
    const result = { ...recent, summary: { ...recent.summary, expiresAt: expiryOf(ttlSeconds) } };
    // Not there any more if it was deleted in the meantime.
    recordWriter?.write(result);
    return { ...result, serverTiming: '' };
  }
  const { task, cost } = extractionJob({ bytes, sha256, header }, parameters, { engine });
  return jobs.run(key, {
    task,
    cost,
    signal,
    deadline,
    client,
    release,
    finish: (completed) => {
      const extraction = extractionFrom(completed, ttlSeconds);
      // Also where every caller has left.
      recordWriter?.write(extraction);
      return extraction;
    },
  });
}

function extractionFrom(result: Completed, ttlSeconds: number): Extraction {
  if (result.kind !== 'extracted') throw new TypeError('a thread returned the result of another task');
  const { metadata, count, payload } = result;
  const summary = { metadata, count, expiresAt: expiryOf(ttlSeconds) };
  return { summary, payload, serverTiming: serverTimingOf(result) };
}

/** Milliseconds since the Unix epoch. */
function expiryOf(ttlSeconds: number): number {
  return Date.now() + 1000 * ttlSeconds;
}

function serverTimingOf({ queueMs, decodeMs, denoiseMs, siftMs }: Completed<ExtractionResult>): string {
  const denoise = denoiseMs === undefined ? {} : { denoise: denoiseMs };
  const timings = { queue: queueMs, decode: decodeMs, ...denoise, sift: siftMs };
  return Object.entries(timings)
    .map(([name, ms]) => `${name};dur=${ms.toFixed(1)}`)
    .join(', ');
}

function sendExtraction(
  request: FastifyRequest,
  reply: FastifyReply,
  { summary, payload, serverTiming }: Extraction,
): FastifyReply {
  if (serverTiming) reply.header(ORIGIN_HEADERS.serverTiming, serverTiming);
  if (request.headers.accept === JSON_CONTENT_TYPE) {
    return reply.type(JSON_CONTENT_TYPE).send(encodeSummary({ summary, payload: null }));
  }
  return reply.type(SAFETENSORS_CONTENT_TYPE).send(payload);
}
