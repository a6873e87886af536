import type { Hono } from 'hono';
import * as z from 'zod';
import type { Bindings } from './bindings.ts';
import type { EdgeEnvironment } from './context.ts';
import type { Assets } from './http/assets.ts';
import { startApp } from './start.ts';

/** workerd by itself adds the client's address to Cloudflare's facts about a request; on Cloudflare it is a header. */
const connectionSchema = z.object({ cf: z.object({ clientIp: z.string() }) });

function peerAddressOf(request: Request): string | undefined {
  return connectionSchema.safeParse(request).data?.cf.clientIp;
}

function assetsOf(binding: Fetcher | undefined): Assets {
  return {
    async open(name) {
      const response = await binding?.fetch(`https://assets/${name}`);
      if (response?.ok) return response.body ?? undefined;
      await response?.body?.cancel();
      return undefined;
    },
  };
}

let app: Hono<EdgeEnvironment> | undefined;

/** Cloudflare Workers: bindings come with the first request and stay the same for the isolate's life. */
export default {
  fetch(request, bindings, executionContext) {
    app ??= startApp({ ...bindings }, assetsOf(bindings.ASSETS));
    return app.fetch(request, { peerAddress: () => peerAddressOf(request) }, executionContext);
  },
} satisfies ExportedHandler<Bindings>;
