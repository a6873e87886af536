import { createHash } from 'node:crypto';
import { type FastifyBaseLogger, type FastifyInstance, type FastifyRequest, fastify } from 'fastify';
import { ServiceError } from '../../shared/contract/errors.ts';
import {
  type JobRequest,
  type JobResponse,
  jobListQuerySchema,
  jobRequestSchema,
  MAX_JOB_REQUEST_BYTES,
} from '../../shared/contract/jobs.ts';
import { parseTextParameters } from '../../shared/contract/parameters.ts';
import { requestIdFrom } from '../../shared/contract/request-id.ts';
import { parseJson } from '../../shared/features/safetensors.ts';
import type { HmacKey } from '../../shared/hmac.ts';
import { JOBS_PATH } from '../../shared/job-protocol.ts';
import { ORIGIN_HEADERS } from '../../shared/origin-protocol.ts';
import { authenticate, checkContentDigest } from '../http/authentication.ts';
import { respondToClientError } from '../http/client-error.ts';
import { sendNotFound, sendProblem } from '../http/problems.ts';
import { OneLinePerRequest } from '../observability/logging.ts';
import { StorageError } from '../storage/storage.ts';
import { checkLocations, type JobService } from './job-service.ts';

export interface JobServiceAppOptions {
  service: JobService;
  secrets: readonly HmacKey[];
  logger: FastifyBaseLogger;
  /** Whether the queue can be reached. */
  isConnected: () => boolean;
}

/** Proxies end connections on which nothing moves. */
const KEEP_ALIVE_MS = 15_000;
/** Of one client, at most so often. */
const EVENT_PAUSE_MS = 500;

/** The job service's HTTP application. Health needs no signature; everything else comes from an edge. */
export function createJobServiceApp(options: JobServiceAppOptions): FastifyInstance {
  const { service, secrets, logger, isConnected } = options;
  const app = fastify({
    loggerInstance: logger,
    logController: new OneLinePerRequest(),
    genReqId: (request) => requestIdFrom(String(request.headers[ORIGIN_HEADERS.requestId] ?? '')),
    bodyLimit: MAX_JOB_REQUEST_BYTES,
    return503OnClosing: false,
    frameworkErrors: sendProblem,
    clientErrorHandler: respondToClientError,
  });
  app.setErrorHandler(sendProblem);
  app.setNotFoundHandler(sendNotFound);
  app.addHook('onRequest', async (request, reply) => {
    reply.header(ORIGIN_HEADERS.requestId, request.id);
  });
  app.get('/health/live', async () => ({ status: 'alive' }));
  app.get('/health/ready', async (_request, reply) => {
    // Without a queue jobs wait, but they can still be handed in and looked at.
    const queue = isConnected() ? 'connected' : 'disconnected';
    const status = service.isReady ? 'ready' : 'not ready';
    return reply.code(service.isReady ? 200 : 503).send({ status, queue });
  });
  app.register(async (signed) => {
    signed.removeAllContentTypeParsers();
    signed.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    signed.addHook('preHandler', async (request) => {
      const { method, url: pathAndQuery, headers } = request;
      await authenticate(secrets, { method, pathAndQuery, headers }, Date.now());
      checkContentDigest(headers, createHash('sha256').update(bodyOf(request)).digest());
    });
    addJobRoutes(signed, service);
  });
  return app;
}

function addJobRoutes(app: FastifyInstance, service: JobService): void {
  app.post(JOBS_PATH, async (request, reply) => {
    return reply.code(202).send(await service.create(jobRequestFrom(bodyOf(request))));
  });
  app.get(JOBS_PATH, async (request) => {
    const { limit, before } = parseTextParameters(jobListQuerySchema, queryOf(request));
    return service.list(Number(limit), before);
  });
  app.get<IdRoute>(`${JOBS_PATH}/:id`, async ({ params }) => service.get(params.id));
  app.post<IdRoute>(`${JOBS_PATH}/:id/cancel`, async ({ params }) => service.cancel(params.id));
  app.post<IdRoute>(`${JOBS_PATH}/:id/retry-failed`, async ({ params }, reply) => {
    return reply.code(202).send(await service.retryFailed(params.id));
  });
  app.get<IdRoute>(`${JOBS_PATH}/:id/events`, async ({ params, raw }, reply) => {
    service.get(params.id);
    const gone = new AbortController();
    raw.socket.once('close', () => gone.abort());
    return reply
      .header('cache-control', 'no-store')
      .type('text/event-stream')
      .send(ReadableStream.from(eventsOf(service.follow(params.id, gone.signal), gone.signal)));
  });
}

interface IdRoute {
  Params: { id: string };
}

/** Server-sent events: the job as it is now, at each change, and a comment where nothing changes for long. */
async function* eventsOf(jobs: AsyncGenerator<JobResponse>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  let next = jobs.next();
  for (;;) {
    const quiet = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => quiet.resolve(undefined), KEEP_ALIVE_MS);
    const result = await Promise.race([next, quiet.promise]);
    clearTimeout(timer);
    if (signal.aborted || result?.done) return;
    yield encoder.encode(
      result ? `event: job\ndata: ${JSON.stringify(result.value)}\n\n` : ': nothing new\n\n',
    );
    if (!result) continue;
    await new Promise((resolve) => setTimeout(resolve, EVENT_PAUSE_MS));
    next = jobs.next();
  }
}

/** @throws ServiceError `INVALID_PARAMETER`, naming what is wrong */
function jobRequestFrom(body: Buffer): JobRequest {
  const parsed = jobRequestSchema.safeParse(parseJson(body.toString()));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const parameter = issue?.path.join('.') || 'body';
    throw new ServiceError('INVALID_PARAMETER', `'${parameter}' ${issue?.message ?? 'is not valid'}.`, {
      details: { parameter },
    });
  }
  try {
    checkLocations(parsed.data);
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    throw new ServiceError('INVALID_PARAMETER', error.message, { cause: error });
  }
  return parsed.data;
}

function bodyOf(request: FastifyRequest): Buffer {
  return Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
}

function queryOf({ url }: FastifyRequest): URLSearchParams {
  const start = url.indexOf('?');
  return new URLSearchParams(start < 0 ? '' : url.slice(start));
}
