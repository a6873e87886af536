import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { asServiceError } from '../../shared/contract/errors.ts';
import { MAX_MATCHED_KEYPOINTS } from '../../shared/contract/limits.ts';
import { parseGeometryParameters } from '../../shared/contract/parameters.ts';
import { BYTES_PER_KEYPOINT } from '../../shared/features/payload.ts';
import { MATCH_PATH, ORIGIN_HEADERS } from '../../shared/origin-protocol.ts';
import { authenticate } from '../authentication.ts';
import { callerSignal, timeBudget } from '../caller.ts';
import { matchingBytes } from '../pool/memory.ts';
import type { Completed } from '../pool/pool.ts';
import { receiveBody } from '../upload.ts';
import { tooManyUploads } from '../upload-memory.ts';
import type { ExtractDependencies } from './extract.ts';

const HEADER_BYTES = 16 * 1024;
/** Two payloads of the most keypoints. */
const MAX_BODY_BYTES = 2 * (MAX_MATCHED_KEYPOINTS * BYTES_PER_KEYPOINT + HEADER_BYTES);

/** `POST /v1/match`, see shared/origin-protocol.ts. */
export async function matchRoute(app: FastifyInstance, dependencies: ExtractDependencies): Promise<void> {
  // As for extraction: the body stays unread until the handler has checked the head.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  const { inFlight, metrics } = dependencies;

  app.post(MATCH_PATH, async (request, reply) => {
    let outcome = 'ok';
    reply.raw.once('close', () => {
      metrics.requests.inc({ outcome: reply.raw.writableFinished ? outcome : 'caller_gone' });
    });
    try {
      inFlight.enter();
      reply.raw.once('close', () => inFlight.leave());
      return sendMatch(reply, await match(request, reply, dependencies));
    } catch (error) {
      outcome = asServiceError(error).code.toLowerCase();
      throw error;
    }
  });
}

async function match(
  request: FastifyRequest,
  reply: FastifyReply,
  { secret, limits, timeoutMs, pool, uploads }: ExtractDependencies,
): Promise<Completed> {
  const { method, url, headers } = request;
  await authenticate(secret, { method, pathAndQuery: url, headers }, Date.now());
  const signal = callerSignal(reply.raw, timeBudget(headers[ORIGIN_HEADERS.timeBudget], timeoutMs));
  const parameters = parseGeometryParameters(new URLSearchParams(url.slice(MATCH_PATH.length)));
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
