import type { Hono } from 'hono';
import type { EdgeEnvironment } from '../context.ts';
import type { Services } from '../services.ts';

/**
 * `GET /health` and `/health/ready`: whether features can be had, 503 if not. `/health/live`: whether this
 * process answers at all.
 */
export function registerHealth(app: Hono<EdgeEnvironment>, { health }: Services): void {
  app.get('/health/live', (context) => context.json({ status: 'alive' }, 200, NO_STORE));
  for (const path of ['/health', '/health/ready']) {
    app.get(path, async (context) => {
      const answer = await health.check();
      return context.json(answer, answer.status === 'unhealthy' ? 503 : 200, NO_STORE);
    });
  }
}

const NO_STORE = { 'Cache-Control': 'no-store' };
