import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { parseSiftParameters } from '../../shared/contract/parameters.ts';
import { featureKey } from '../../shared/feature-key.ts';
import { SAFETENSORS_CONTENT_TYPE } from '../../shared/features/safetensors.ts';
import { EXTRACT_PATH, ORIGIN_HEADERS } from '../../shared/origin-protocol.ts';
import { receiveUpload } from '../http/upload.ts';
import { tooManyUploads } from '../http/upload-memory.ts';
import { checkExtraction, extractionJob } from '../jobs/extraction-job.ts';
import { SharedJobs } from '../jobs/shared-jobs.ts';
import type { Completed } from '../scheduler/pool.ts';
import { addJobRoute, type JobDependencies, type JobRequest } from './job-route.ts';

/** `POST /v1/extract`, see shared/origin-protocol.ts. */
export async function extractRoute(app: FastifyInstance, dependencies: JobDependencies): Promise<void> {
  const jobs = new SharedJobs(dependencies);
  addJobRoute(app, EXTRACT_PATH, dependencies, async (job, request, reply) =>
    sendExtraction(reply, await extract(job, request, jobs, dependencies)),
  );
}

async function extract(
  { query, signal, client }: JobRequest,
  request: FastifyRequest,
  jobs: SharedJobs,
  { extractor, engine, limits, pool, uploads }: JobDependencies,
): Promise<Completed> {
  const parameters = parseSiftParameters(query);
  const { bytes, sha256, header, release } = await receiveUpload(
    request.raw,
    { limits, memory: uploads, signal, overloaded: () => tooManyUploads(pool) },
    (header) => checkExtraction(header, parameters, limits),
  );
  const { task, cost } = extractionJob({ bytes, sha256, header }, parameters, { engine, limits });
  return jobs.run(featureKey(extractor, parameters, sha256), { task, cost, signal, client, release });
}

function sendExtraction(reply: FastifyReply, result: Completed): FastifyReply {
  if (result.kind !== 'extracted') throw new TypeError('a thread answered another task than it was given');
  const { payload, queueMs, decodeMs, denoiseMs, siftMs } = result;
  const denoise = denoiseMs === undefined ? {} : { denoise: denoiseMs };
  const timings = { queue: queueMs, decode: decodeMs, ...denoise, sift: siftMs };
  const serverTiming = Object.entries(timings).map(([name, ms]) => `${name};dur=${ms.toFixed(1)}`);
  return reply
    .header(ORIGIN_HEADERS.serverTiming, serverTiming.join(', '))
    .type(SAFETENSORS_CONTENT_TYPE)
    .send(payload);
}
