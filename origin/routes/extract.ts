import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { parseSiftParameters } from '../../shared/contract/parameters.ts';
import { featureKey } from '../../shared/feature-key.ts';
import { decodePayload } from '../../shared/features/payload.ts';
import { SAFETENSORS_CONTENT_TYPE } from '../../shared/features/safetensors.ts';
import { readImageHeader } from '../../shared/image-header.ts';
import { EXTRACT_PATH, ORIGIN_HEADERS } from '../../shared/origin-protocol.ts';
import { encodeSummary } from '../../shared/records/feature-records.ts';
import type { FeatureSummary } from '../../shared/records/feature-summary.ts';
import { cacheTtl } from '../http/cache-ttl.ts';
import { receiveUpload } from '../http/upload.ts';
import { tooManyUploads } from '../http/upload-memory.ts';
import { checkExtraction, extractionJob } from '../jobs/extraction-job.ts';
import { SharedJobs } from '../jobs/shared-jobs.ts';
import type { Completed } from '../scheduler/pool.ts';
import { addJobRoute, type JobDependencies, type JobRequest } from './job-route.ts';

const JSON_CONTENT_TYPE = 'application/json';

interface Extraction {
  summary: FeatureSummary;
  payload: Uint8Array<ArrayBuffer>;
  result: Completed;
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
  const { task, cost } = extractionJob({ bytes, sha256, header }, parameters, { engine });
  const ttlSeconds = cacheTtl(request);
  return jobs.run(featureKey(extractor, parameters, sha256), {
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
  const { payload } = result;
  const { metadata, features } = decodePayload(payload);
  const summary = { metadata, count: features.count, expiresAt: Date.now() + 1000 * ttlSeconds };
  return { summary, payload, result };
}

function sendExtraction(
  request: FastifyRequest,
  reply: FastifyReply,
  { summary, result }: Extraction,
): FastifyReply {
  if (result.kind !== 'extracted') throw new TypeError('a thread returned the result of another task');
  const { payload, queueMs, decodeMs, denoiseMs, siftMs } = result;
  const denoise = denoiseMs === undefined ? {} : { denoise: denoiseMs };
  const timings = { queue: queueMs, decode: decodeMs, ...denoise, sift: siftMs };
  const serverTiming = Object.entries(timings).map(([name, ms]) => `${name};dur=${ms.toFixed(1)}`);
  reply.header(ORIGIN_HEADERS.serverTiming, serverTiming.join(', '));
  if (request.headers.accept === JSON_CONTENT_TYPE) {
    return reply.type(JSON_CONTENT_TYPE).send(encodeSummary({ summary, payload: null }));
  }
  return reply.type(SAFETENSORS_CONTENT_TYPE).send(payload);
}
