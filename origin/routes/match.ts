import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { MAX_MATCHED_KEYPOINTS } from '../../shared/contract/limits.ts';
import { parseGeometryParameters } from '../../shared/contract/parameters.ts';
import { BYTES_PER_KEYPOINT } from '../../shared/features/payload.ts';
import { MATCH_PATH, ORIGIN_HEADERS } from '../../shared/origin-protocol.ts';
import { matchingBytes } from '../pool/memory.ts';
import type { Completed } from '../pool/pool.ts';
import { receiveBody } from '../upload.ts';
import { tooManyUploads } from '../upload-memory.ts';
import { addJobRoute, type JobDependencies, type JobRequest } from './job-route.ts';

const HEADER_BYTES = 16 * 1024;
/** Two payloads of the most keypoints. */
const MAX_BODY_BYTES = 2 * (MAX_MATCHED_KEYPOINTS * BYTES_PER_KEYPOINT + HEADER_BYTES);

/** `POST /v1/match`, see shared/origin-protocol.ts. */
export async function matchRoute(app: FastifyInstance, dependencies: JobDependencies): Promise<void> {
  addJobRoute(app, MATCH_PATH, dependencies, async (job, request, reply) =>
    sendMatch(reply, await match(job, request, dependencies)),
  );
}

async function match(
  { query, signal }: JobRequest,
  request: FastifyRequest,
  { limits, pool, uploads }: JobDependencies,
): Promise<Completed> {
  const parameters = parseGeometryParameters(query);
  const { bytes, release } = await receiveBody(request.raw, {
    limits: { ...limits, maxBytes: MAX_BODY_BYTES },
    memory: uploads,
    signal,
    overloaded: () => tooManyUploads(pool),
  });
  const memoryBytes = matchingBytes(bytes.length);
  return pool.run({ kind: 'match', bytes, parameters }, memoryBytes, signal).finally(release);
}

function sendMatch(reply: FastifyReply, result: Completed): FastifyReply {
  if (result.kind !== 'matched') throw new TypeError('a thread answered another task than it was given');
  const serverTiming = `queue;dur=${result.queueMs.toFixed(1)}, match;dur=${result.matchMs.toFixed(1)}`;
  return reply
    .header(ORIGIN_HEADERS.serverTiming, serverTiming)
    .type('application/json')
    .send(Buffer.from(result.payload.buffer));
}
