import type { ExecutionContext, Hono } from 'hono';
import * as z from 'zod';
import type { EdgeEnvironment } from './context.ts';
import { assetsOf } from './http/assets.ts';
import { startApp } from './start.ts';

/** Beside Cloudflare's own facts about a request workerd tells this one; on Cloudflare it is in a header. */
const connectionSchema = z.object({ cf: z.object({ clientIp: z.string() }) });

function peerAddressOf(request: Request): string | undefined {
  return connectionSchema.safeParse(request).data?.cf.clientIp;
}

let app: Hono<EdgeEnvironment> | undefined;

/** Cloudflare Workers: bindings come with the first request and stay the same for the isolate's life. */
export default {
  fetch(request: Request, bindings: Record<string, unknown>, executionContext: ExecutionContext) {
    app ??= startApp(bindings, assetsOf(bindings.ASSETS));
    return app.fetch(request, { peerAddress: () => peerAddressOf(request) }, executionContext);
  },
};
