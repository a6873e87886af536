import type { Hono } from 'hono';
import { stats } from '../../shared/contract/routes/stats.ts';
import type { EdgeEnvironment } from '../context.ts';
import { addRoute } from '../http/add-route.ts';
import type { Services } from '../services.ts';

/** `GET /api/v1/stats`: what the service has done so far. */
export function registerStats(app: Hono<EdgeEnvironment>, services: Services): void {
  addRoute(app, stats, async (context) =>
    context.json(await services.stats.read(), 200, { 'Cache-Control': 'no-store' }),
  );
}
