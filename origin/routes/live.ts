import type { FastifyInstance } from 'fastify';
import type { ExtractionPool } from '../scheduler/pool.ts';

/** `GET /health/live`: whether to restart this process. */
export async function liveRoute(
  app: FastifyInstance,
  { pool }: { pool: Pick<ExtractionPool, 'isStalled'> },
): Promise<void> {
  app.get('/health/live', async (_request, reply) => {
    const { isStalled } = pool;
    return reply.code(isStalled ? 503 : 200).send({ status: isStalled ? 'stalled' : 'live' });
  });
}
