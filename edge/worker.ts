import type { ExecutionContext, Hono } from 'hono';
import type { EdgeEnvironment } from './context.ts';
import { startApp } from './start.ts';

let app: Hono<EdgeEnvironment> | undefined;

/** Cloudflare Workers: bindings come with the first request and stay the same for the isolate's life. */
export default {
  fetch(request: Request, bindings: Record<string, unknown>, executionContext: ExecutionContext) {
    app ??= startApp(bindings);
    return app.fetch(request, bindings, executionContext);
  },
};
