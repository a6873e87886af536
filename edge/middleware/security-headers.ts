import type { MiddlewareHandler } from 'hono';
import type { EdgeEnvironment } from '../context.ts';

/**
 * Instructions to browsers about an API's responses: not to guess their type, to load nothing from them, to frame
 * them nowhere, and to come back over HTTPS.
 */
export const SECURITY_HEADERS = {
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Referrer-Policy': 'no-referrer',
  'Strict-Transport-Security': 'max-age=31536000',
  'X-Content-Type-Options': 'nosniff',
};

const ENTRIES = Object.entries(SECURITY_HEADERS);

/**
 * Gives every response the headers above. A route that serves pages sets its own policy, which stays; one whose
 * responses are frequent makes them with all of these, which costs less than setting each.
 */
export function securityHeaders(): MiddlewareHandler<EdgeEnvironment> {
  return async (context, next) => {
    await next();
    const { headers } = context.res;
    if (headers.has('Referrer-Policy')) return;
    for (const [name, value] of ENTRIES) if (!headers.has(name)) headers.set(name, value);
  };
}
