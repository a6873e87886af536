import type { MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';
import type { EdgeEnvironment } from '../context.ts';

/** One day; browsers shorten it to what they allow. */
const PREFLIGHT_SECONDS = 86_400;

const REQUEST_HEADERS = [
  ...['Authorization', 'X-API-Key', 'Content-Type', 'Content-Digest', 'If-None-Match'],
  ...['X-Request-ID', 'traceparent'],
];

const RESPONSE_HEADERS = [
  ...['ETag', 'X-Cache', 'X-Request-ID', 'X-Processing-Time-Ms', 'Server-Timing', 'Content-Digest'],
  ...['Content-Disposition', 'Allow'],
  ...['RateLimit', 'RateLimit-Policy', 'Retry-After', 'WWW-Authenticate'],
];

/**
 * Lets pages of these origins, or of any for `*`, call the API from a browser. Never with credentials: the API
 * knows no cookies, and a page that has an API key sends it itself.
 */
export function crossOriginRequests(origins: readonly string[]): MiddlewareHandler<EdgeEnvironment> {
  const isForAny = origins.includes('*');
  const respondToPage = cors({
    origin: isForAny ? '*' : [...origins],
    allowMethods: ['GET', 'HEAD', 'POST', 'DELETE'],
    allowHeaders: REQUEST_HEADERS,
    exposeHeaders: RESPONSE_HEADERS,
    maxAge: PREFLIGHT_SECONDS,
    credentials: false,
  });
  return async (context, next) => {
    if (context.req.header('origin') !== undefined) return respondToPage(context, next);
    // Most clients are not pages and skip this work; caches must still keep the two apart.
    await next();
    if (!isForAny) context.header('Vary', 'Origin', { append: true });
  };
}
