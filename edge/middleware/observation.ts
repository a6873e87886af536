import type { MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import type { Outcome } from '../../shared/contract/stats.ts';
import type { EdgeContext, EdgeEnvironment } from '../context.ts';
import type { RequestLog } from '../request-log.ts';
import { regionOf } from '../stats/region.ts';
import type { Stats } from '../stats/stats.ts';

const OUTCOMES: Record<string, Outcome> = { 'HIT memory': 'memory', 'HIT redis': 'redis', MISS: 'origin' };

/** Counts every answered request and logs it. */
export function observation({
  stats,
  log,
}: {
  stats: Stats;
  log: RequestLog;
}): MiddlewareHandler<EdgeEnvironment> {
  return async (context, next) => {
    await next();
    const { status, headers } = context.res;
    const request = {
      endpoint: endpointOf(context),
      outcome: outcomeOf(context.req.path, headers.get('X-Cache')),
      status,
      durationMs: context.get('timing').elapsedMs,
      region: regionOf(context.req.raw),
    };
    stats.count(request, (work) => context.executionCtx.waitUntil(work));
    log.write(request, context);
  };
}

/** Of features alone: whatever else is made for every request says nothing about the cache. */
function outcomeOf(path: string, cacheHeader: string | null): Outcome {
  const isFeatures = path.startsWith('/api/v1/features/');
  return (isFeatures && OUTCOMES[cacheHeader ?? '']) || 'other';
}

/** As in `GET /api/v1/features/:sha256`; for what has no route, `other`: clients must not make up names here. */
function endpointOf(context: EdgeContext): string {
  const path = routePath(context, -1);
  return path.includes('*') ? 'other' : `${context.req.method} ${path}`;
}
