import { type FastifyInstance, fastify } from 'fastify';
import type { Registry } from 'prom-client';
import { metricsRoute } from './routes/metrics.ts';

/**
 * The HTTP application for Prometheus. It has a port of its own, so clients of the load balancer cannot reach the metrics.
 * It logs nothing.
 */
export function createMetricsApp(registry: Registry): FastifyInstance {
  const app = fastify({ logger: false });
  app.register(metricsRoute, { registry });
  return app;
}
