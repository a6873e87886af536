import type { MiddlewareHandler } from 'hono';
import { requestIdFrom } from '../../shared/contract/request-id.ts';
import { TraceContext } from '../../shared/contract/trace-context.ts';
import type { EdgeEnvironment } from '../context.ts';
import { Timing } from '../observability/timing.ts';

/**
 * Gives every request its id, its clock and its place in a trace; the response's headers carry the first two.
 *
 * @param sampleRate share of the traces that are recorded
 */
export function requestContext(sampleRate = 0): MiddlewareHandler<EdgeEnvironment> {
  return async (context, next) => {
    const requestId = requestIdFrom(context.req.header('x-request-id'));
    const timing = new Timing();
    context.set('requestId', requestId);
    context.set('timing', timing);
    context.set('trace', new TraceContext(context.req.header('traceparent'), sampleRate, false));
    await next();
    const { headers } = context.res;
    headers.set('X-Request-ID', requestId);
    headers.set('X-Processing-Time-Ms', timing.elapsedMs.toFixed(1));
    const phases = timing.toString();
    if (phases) headers.set('Server-Timing', phases);
  };
}
