import { type FastifyBaseLogger, type FastifyInstance, fastify } from 'fastify';
import { requestIdFrom } from '../shared/contract/request-id.ts';
import { ORIGIN_HEADERS } from '../shared/origin-protocol.ts';
import type { SpanExporter } from '../shared/tracing/span-exporter.ts';
import { respondToClientError } from './http/client-error.ts';
import { sendNotFound, sendProblem } from './http/problems.ts';
import { OneLinePerRequest, traceBindings } from './observability/logging.ts';
import { exportSpans } from './observability/tracing.ts';
import { type ClassifyDependencies, classifyRoute, vehicleModelRoute } from './routes/classify.ts';
import { extractRoute } from './routes/extract.ts';
import { liveRoute } from './routes/live.ts';
import { matchRoute } from './routes/match.ts';
import { readyRoute } from './routes/ready.ts';

/** A head that takes longer is a slow-loris attack; edges send theirs at once. */
const HEAD_TIMEOUT_MS = 10_000;
/** The largest image at 3 Mbit/s. */
const REQUEST_TIMEOUT_MS = 30_000;
/** Longer than load balancers keep idle connections (60 s is usual), so that the load balancer closes them first. */
const KEEP_ALIVE_MS = 75_000;
/** A connection on which nothing moves for longer than any response takes. */
const IDLE_MARGIN_MS = 15_000;

export interface OriginDependencies extends ClassifyDependencies {
  logger: FastifyBaseLogger;
  /** Where spans go, if anywhere. */
  spans?: SpanExporter | undefined;
}

/**
 * The origin's HTTP application. Health needs no signature: the origin is meant for a private network, where only edges
 * and probes reach it. Metrics have a listener of their own (metrics-app.ts).
 */
export function createOriginApp(dependencies: OriginDependencies): FastifyInstance {
  const app = fastify({
    loggerInstance: dependencies.logger,
    logController: new OneLinePerRequest(),
    childLoggerFactory: (logger, bindings, options, request) =>
      logger.child({ ...bindings, ...traceBindings(request.headers) }, options),
    genReqId: (request) => requestIdFrom(String(request.headers[ORIGIN_HEADERS.requestId] ?? '')),
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: dependencies.timeoutMs + IDLE_MARGIN_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    http: { headersTimeout: HEAD_TIMEOUT_MS, connectionsCheckingInterval: 5_000 },
    // Ours responds with a problem document.
    return503OnClosing: false,
    frameworkErrors: sendProblem,
    clientErrorHandler: respondToClientError,
  });
  app.addHook('onRequest', async (request, reply) => {
    reply.header(ORIGIN_HEADERS.requestId, request.id);
  });
  if (dependencies.spans) exportSpans(app, dependencies.spans);
  app.setErrorHandler(sendProblem);
  app.setNotFoundHandler(sendNotFound);
  app.register(extractRoute, dependencies);
  app.register(matchRoute, dependencies);
  app.register(classifyRoute, dependencies);
  app.register(vehicleModelRoute, dependencies);
  app.register(liveRoute, dependencies);
  app.register(readyRoute, dependencies);
  return app;
}
