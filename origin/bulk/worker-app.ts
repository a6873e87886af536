import { type FastifyBaseLogger, type FastifyInstance, fastify } from 'fastify';
import type { Registry } from 'prom-client';
import { OneLinePerRequest } from '../observability/logging.ts';
import { liveRoute } from '../routes/live.ts';
import { metricsRoute } from '../routes/metrics.ts';
import type { ExtractionPool } from '../scheduler/pool.ts';

export interface WorkerAppOptions {
  pool: Pick<ExtractionPool, 'isReady' | 'isStalled'>;
  registry: Registry;
  /** Whether NATS can be reached. */
  isConnected: () => boolean;
  logger: FastifyBaseLogger;
}

/** What a worker serves: nothing but its health and its metrics. */
export function createWorkerApp({ pool, registry, isConnected, logger }: WorkerAppOptions): FastifyInstance {
  const app = fastify({ loggerInstance: logger, logController: new OneLinePerRequest() });
  app.register(liveRoute, { pool });
  app.get('/health/ready', async (_request, reply) => {
    const status = !pool.isReady ? 'starting' : isConnected() ? 'ready' : 'no queue';
    return reply.code(status === 'ready' ? 200 : 503).send({ status });
  });
  app.register(metricsRoute, { registry });
  return app;
}
