import type { FastifyInstance } from 'fastify';
import type { z } from 'zod';
import type { originReadySchema } from '../../shared/contract/responses.ts';
import type { Extractor } from '../../shared/extractor.ts';
import type { InFlight } from '../http/in-flight.ts';
import type { ExtractionPool } from '../scheduler/pool.ts';
import type { ServingState } from '../vehicles/serving.ts';

/** No extraction takes this long: when all threads do, native code hangs, and only a restart helps. */
const STALLED_MS = 10 * 60_000;

export interface HealthDependencies {
  extractor: Extractor;
  pool: ExtractionPool;
  inFlight: InFlight;
  vehicles: ServingState;
}

/** `GET /health/live` and `GET /health/ready`: whether to restart this process, whether to send it requests. */
export async function healthRoutes(app: FastifyInstance, dependencies: HealthDependencies): Promise<void> {
  const { extractor, pool, inFlight, vehicles } = dependencies;

  app.get('/health/live', async (_request, reply) => {
    const stalled = pool.stalledMs > STALLED_MS;
    return reply.code(stalled ? 503 : 200).send({ status: stalled ? 'stalled' : 'live' });
  });

  app.get('/health/ready', async (_request, reply) => {
    const status = inFlight.isStopping ? 'stopping' : pool.isReady ? 'ready' : 'starting';
    const response: z.infer<typeof originReadySchema> = { status, extractor, vehicles: vehiclesOf(vehicles) };
    return reply.code(status === 'ready' ? 200 : 503).send(response);
  });
}

/** Features are served without a model too. */
function vehiclesOf(vehicles: ServingState): z.infer<typeof originReadySchema>['vehicles'] {
  if (vehicles.status === 'unavailable') return { status: 'unavailable', reason: vehicles.reason };
  const { name, version, sha256 } = vehicles.served.model;
  return { status: 'ready', name, version, sha256 };
}
