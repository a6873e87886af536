import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { parseGeometryParameters } from '../../shared/contract/parameters.ts';
import { BYTES_PER_KEYPOINT } from '../../shared/features/payload.ts';
import { MAX_MATCH_BODY_BYTES } from '../../shared/matching.ts';
import { MATCH_PATH, ORIGIN_HEADERS, splitPayloads } from '../../shared/origin-protocol.ts';
import { receiveBody } from '../http/upload.ts';
import { tooManyUploads } from '../http/upload-memory.ts';
import { matchingBytes } from '../jobs/memory.ts';
import type { MatchTask } from '../jobs/messages.ts';
import { SharedJobs } from '../jobs/shared-jobs.ts';
import type { Completed, JobCost } from '../scheduler/pool.ts';
import { addJobRoute, type JobDependencies, type JobRequest } from './job-route.ts';

/** `POST /v1/match`, see shared/origin-protocol.ts. */
export async function matchRoute(app: FastifyInstance, dependencies: JobDependencies): Promise<void> {
  const jobs = new SharedJobs<Completed>(dependencies);
  addJobRoute(app, MATCH_PATH, dependencies, async (job, request, reply) =>
    sendMatch(reply, await match(job, request, jobs, dependencies)),
  );
}

async function match(
  { query, signal, deadline, client }: JobRequest,
  request: FastifyRequest,
  jobs: SharedJobs<Completed>,
  { limits, pool, uploads }: JobDependencies,
): Promise<Completed> {
  const parameters = parseGeometryParameters(query);
  const { bytes, sha256, release } = await receiveBody(request.raw, {
    limits: { ...limits, maxBytes: MAX_MATCH_BODY_BYTES },
    memory: uploads,
    signal,
    overloaded: () => tooManyUploads(pool),
  });
  const cost: JobCost = { memoryBytes: matchingBytes(bytes.length), work: matchingWork(bytes), extraMs: 0 };
  const key = [sha256, ...Object.values(parameters)].join('/');
  const task: MatchTask = { kind: 'match', bytes, parameters };
  return jobs.run(key, {
    task,
    cost,
    signal,
    deadline,
    client,
    release,
    finish: (completed) => completed,
  });
}

/** As many descriptors are compared in the time that the model takes, 20 ms or so, however few matches there are. */
const MODEL_WORK = 4e6;

/** Pairs of descriptors to compare, near enough: the payloads' headers count as keypoints. */
function matchingWork(body: Uint8Array<ArrayBuffer>): number {
  const [first, second] = splitPayloads(body) ?? [[], []];
  return MODEL_WORK + (first.length / BYTES_PER_KEYPOINT) * (second.length / BYTES_PER_KEYPOINT);
}

function sendMatch(reply: FastifyReply, result: Completed): FastifyReply {
  if (result.kind !== 'matched') throw new TypeError('a thread returned the result of another task');
  const serverTiming = `queue;dur=${result.queueMs.toFixed(1)}, match;dur=${result.matchMs.toFixed(1)}`;
  return reply
    .header(ORIGIN_HEADERS.serverTiming, serverTiming)
    .type('application/json')
    .send(Buffer.from(result.payload.buffer));
}
