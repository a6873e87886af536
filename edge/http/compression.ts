import { accepts } from 'hono/accepts';
import type { EdgeContext } from '../context.ts';

/** From about here on the feature arrays are text worth compressing: 9 kB without descriptors. */
const LARGE_KEYPOINTS = 100;

/**
 * The answer in gzip where the client takes it, it has features in plenty, and the platform does not compress by
 * itself. Cloudflare does after the Worker, at no cost to it; workerd on its own and Deno do not.
 */
export function compressLarge(context: EdgeContext, answer: Response, keypoints: number): Response {
  if (keypoints < LARGE_KEYPOINTS || !answer.body || isOnCloudflare(context) || !acceptsGzip(context)) {
    return answer;
  }
  const headers = new Headers(answer.headers);
  headers.set('Content-Encoding', 'gzip');
  // Tells workerd that the body is encoded already; it would do it again.
  const alreadyEncoded = { headers, encodeBody: 'manual' as const };
  return new Response(answer.body.pipeThrough(new CompressionStream('gzip')), alreadyEncoded);
}

function acceptsGzip(context: EdgeContext): boolean {
  const supports = ['gzip', 'identity'];
  return accepts(context, { header: 'Accept-Encoding', supports, default: 'identity' }) === 'gzip';
}

/** There `request.cf` names the data centre that the connection came to. */
function isOnCloudflare(context: EdgeContext): boolean {
  const connection: unknown = Reflect.get(context.req.raw, 'cf');
  return typeof connection === 'object' && connection !== null && 'colo' in connection;
}
