import type { MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import { INFERENCE_PATH } from '../../shared/contract/inference.ts';
import type { Outcome } from '../../shared/contract/stats.ts';
import { requestSpan, type Span } from '../../shared/tracing/span.ts';
import type { EdgeContext, EdgeEnvironment } from '../context.ts';
import type { CountedRequest } from '../observability/counters.ts';
import { regionOf } from '../observability/region.ts';
import type { RequestLog } from '../observability/request-log.ts';
import type { Stats } from '../observability/stats.ts';
import type { Tracing } from '../services.ts';

const CACHED_PATHS = ['/api/v1/features/', '/api/vehicle/', `${INFERENCE_PATH}/models/`];
const OUTCOMES: Record<string, Outcome> = { 'HIT memory': 'memory', 'HIT redis': 'redis', MISS: 'origin' };

/** Counts every request with a response, logs it, and exports its span where its trace is recorded. */
export function observation({
  stats,
  log,
  tracing: { spans },
}: {
  stats: Stats;
  log: RequestLog;
  tracing: Tracing;
}): MiddlewareHandler<EdgeEnvironment> {
  return async (context, next) => {
    await next();
    const { status, headers } = context.res;
    const request = {
      endpoint: endpointOf(context),
      method: context.req.method,
      path: context.req.path,
      requestId: context.get('requestId'),
      time: Date.now(),
      outcome: outcomeOf(context.req.path, headers.get('X-Cache')),
      status,
      errorCode: context.get('errorCode'),
      durationMs: context.get('timing').elapsedMs,
      region: regionOf(context.req.raw),
    };
    const keepAlive = (work: Promise<unknown>) => context.executionCtx.waitUntil(work);
    stats.count(request, keepAlive);
    log.write(request, context);
    if (spans && context.get('trace').isSampled) spans.add([spanOf(request, context)], keepAlive);
  };
}

function spanOf({ endpoint, outcome, status, durationMs }: CountedRequest, context: EdgeContext): Span {
  const { method } = context.req;
  const route = endpoint.slice(endpoint.indexOf(' ') + 1);
  const served = { method, route, status, requestId: context.get('requestId') };
  const span = requestSpan(context.get('trace'), served, durationMs);
  return { ...span, attributes: { ...span.attributes, 'edgesift.outcome': outcome } };
}

/** Of features and vehicles alone: other routes say nothing about the cache. */
function outcomeOf(path: string, cacheHeader: string | null): Outcome {
  const isCached = CACHED_PATHS.some((cached) => path.startsWith(cached));
  return (isCached && OUTCOMES[cacheHeader ?? '']) || 'other';
}

/** As in `GET /api/v1/features/:sha256`; for what has no route, `other`: clients must not make up names here. */
function endpointOf(context: EdgeContext): string {
  const path = routePath(context, -1);
  return path.includes('*') ? 'other' : `${context.req.method} ${path}`;
}
