import { type FastifyInstance, fastify } from 'fastify';
import type { Registry } from 'prom-client';
import { metricsRoute } from './routes/metrics.ts';

/**
 * The HTTP application for Prometheus, on a port of its own: the load balancer, and so whoever reaches it, gets none of
 * this. It logs nothing.
 */
export function createMetricsApp(registry: Registry): FastifyInstance {
  const app = fastify({ logger: false });
  app.register(metricsRoute, { registry });
  return app;
}
