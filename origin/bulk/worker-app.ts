import { type FastifyBaseLogger, type FastifyInstance, fastify } from 'fastify';
import type { Registry } from 'prom-client';
import { OneLinePerRequest } from '../observability/logging.ts';
import type { ExtractionPool } from '../scheduler/pool.ts';

/** No extraction takes this long: when all threads do, native code hangs, and only a restart helps. */
const STALLED_MS = 10 * 60_000;

export interface WorkerAppOptions {
  pool: Pick<ExtractionPool, 'isReady' | 'stalledMs'>;
  registry: Registry;
  /** Whether NATS can be reached. */
  isConnected: () => boolean;
  logger: FastifyBaseLogger;
}

/** What a worker serves: nothing but its health and its metrics. */
export function createWorkerApp({ pool, registry, isConnected, logger }: WorkerAppOptions): FastifyInstance {
  const app = fastify({ loggerInstance: logger, logController: new OneLinePerRequest() });
  app.get('/health/live', async (_request, reply) => {
    const stalled = pool.stalledMs > STALLED_MS;
    return reply.code(stalled ? 503 : 200).send({ status: stalled ? 'stalled' : 'live' });
  });
  app.get('/health/ready', async (_request, reply) => {
    const status = !pool.isReady ? 'starting' : isConnected() ? 'ready' : 'no queue';
    return reply.code(status === 'ready' ? 200 : 503).send({ status });
  });
  app.get('/metrics', async (_request, reply) =>
    reply.type(registry.contentType).send(await registry.metrics()),
  );
  return app;
}
