import type { Hono } from 'hono';
import type { EdgeEnvironment } from '../context.ts';
import type { Services } from '../services.ts';

/** `GET /api/v1/stats`: what the service has done so far. */
export function registerStats(app: Hono<EdgeEnvironment>, { stats }: Services): void {
  app.get('/api/v1/stats', async (context) =>
    context.json(await stats.read(), 200, { 'Cache-Control': 'no-store' }),
  );
}
