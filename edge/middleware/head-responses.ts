import type { MiddlewareHandler } from 'hono';
import type { EdgeEnvironment } from '../context.ts';

/**
 * The router responds to HEAD as to GET and drops the body. Here it is ended first: an open file or feature payload
 * behind it would be held until the garbage is collected, and Deno waits for it.
 */
export function headResponses(): MiddlewareHandler<EdgeEnvironment> {
  return async (context, next) => {
    await next();
    if (context.req.raw.method !== 'HEAD' || !context.res.body) return;
    const { res: response } = context;
    const headers = new Headers(response.headers);
    await response.body?.cancel();
    context.res = undefined;
    context.res = new Response(null, { status: response.status, headers });
  };
}
