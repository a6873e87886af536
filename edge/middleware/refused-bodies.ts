import type { MiddlewareHandler } from 'hono';
import type { EdgeEnvironment } from '../context.ts';
import { discardBody } from '../http/request-body.ts';

const LONGEST_MS = 5_000;

/**
 * Reads and discards the body of a request that was refused for its head alone, before the response goes out: a client that
 * still sends when the connection is closed sees a broken connection, and not the response.
 */
export function readRefusedBodies(): MiddlewareHandler<EdgeEnvironment> {
  return async (context, next) => {
    await next();
    const { raw } = context.req;
    if (context.res.ok || raw.body === null || raw.bodyUsed) return;
    await discardBody(raw, LONGEST_MS);
  };
}
