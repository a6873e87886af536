import type { FastifyInstance } from 'fastify';
import type { z } from 'zod';
import type { originReadySchema } from '../../shared/contract/responses.ts';
import type { Extractor } from '../../shared/extractor.ts';
import type { InFlight } from '../http/in-flight.ts';
import type { ExtractionPool } from '../scheduler/pool.ts';
import type { ServingState } from '../vehicles/serving.ts';

type OriginReady = z.infer<typeof originReadySchema>;

export interface ReadyDependencies {
  extractor: Extractor;
  pool: ExtractionPool;
  inFlight: InFlight;
  vehicles: ServingState;
}

/** `GET /health/ready`: whether to send this process requests. */
export async function readyRoute(app: FastifyInstance, dependencies: ReadyDependencies): Promise<void> {
  const { extractor, pool, inFlight, vehicles } = dependencies;

  app.get('/health/ready', async (_request, reply) => {
    const status = statusOf(pool, inFlight);
    const response: OriginReady = { status, extractor, vehicles: vehiclesOf(vehicles) };
    return reply.code(status === 'ready' ? 200 : 503).send(response);
  });
}

function statusOf(pool: ExtractionPool, inFlight: InFlight): OriginReady['status'] {
  if (inFlight.isStopping) return 'stopping';
  if (pool.isStalled) return 'stalled';
  return pool.isReady ? 'ready' : 'starting';
}

/** Features are served without a model too. */
function vehiclesOf(vehicles: ServingState): OriginReady['vehicles'] {
  if (vehicles.status === 'unavailable') return { status: 'unavailable', reason: vehicles.reason };
  const { name, version, sha256 } = vehicles.served.model;
  return { status: 'ready', name, version, sha256 };
}
