import type { Hono } from 'hono';
import type { HealthResponse } from '../../shared/contract/responses.ts';
import { health, live, ready } from '../../shared/contract/routes/health.ts';
import type { EdgeEnvironment } from '../context.ts';
import { addRoute } from '../http/add-route.ts';
import type { Services } from '../services.ts';

/**
 * `GET /health` and `/health/ready`: whether features can be had, 503 if not. `/health/live`: whether this
 * process responds at all.
 */
export function registerHealth(app: Hono<EdgeEnvironment>, services: Services): void {
  addRoute(app, live, (context) => context.json({ status: 'alive' }, 200, NO_STORE));
  addRoute(app, health, async (context) => {
    const { vehicle_classifier_ready: _, ...response } = await services.health.check();
    return context.json(response, statusFor(response), NO_STORE);
  });
  addRoute(app, ready, async (context) => {
    const response = await services.health.check();
    return context.json(response, statusFor(response), NO_STORE);
  });
}

function statusFor({ status }: HealthResponse): 200 | 503 {
  return status === 'unhealthy' ? 503 : 200;
}

const NO_STORE = { 'Cache-Control': 'no-store' };
