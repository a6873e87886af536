import type { Assets } from './http/assets.ts';
import { logError } from './observability/log.ts';
import { startApp } from './start.ts';

/** The little of Deno's API that this entry needs. */
declare const Deno: {
  env: { toObject(): Record<string, string> };
  open(path: URL): Promise<{ readable: ReadableStream<Uint8Array> }>;
  serve(
    options: { hostname: string; port: number },
    handler: (request: Request, info: { remoteAddr: { hostname: string } }) => Response | Promise<Response>,
  ): unknown;
};

const environment = Deno.env.toObject();
/** `node tools/build-pages.ts` puts them there. */
const ASSETS_DIRECTORY = new URL('../build/assets/', import.meta.url);
const assets: Assets = {
  async open(name) {
    const file = await Deno.open(new URL(name, ASSETS_DIRECTORY)).catch(() => undefined);
    return file?.readable;
  },
};
const app = startApp(environment, assets);

/** Deno runs background work to its end, but exits at the first unhandled rejection. */
const executionContext = {
  waitUntil: (work: Promise<unknown>) => {
    work.catch((error: unknown) => logError('work after a response failed', error));
  },
  passThroughOnException: () => undefined,
  props: {},
};

Deno.serve(
  { hostname: environment.HOST || '127.0.0.1', port: Number(environment.PORT || 8787) },
  (request, { remoteAddr }) =>
    app.fetch(request, { peerAddress: () => remoteAddr.hostname }, executionContext),
);
