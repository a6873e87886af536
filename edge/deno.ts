import { startApp } from './start.ts';

/** The little of Deno's API that this entry needs. */
declare const Deno: {
  env: { toObject(): Record<string, string> };
  serve(
    options: { hostname: string; port: number },
    handler: (request: Request, info: { remoteAddr: { hostname: string } }) => Response | Promise<Response>,
  ): unknown;
};

const environment = Deno.env.toObject();
const app = startApp(environment);

/** Deno lets work that nobody awaits run to its end. */
const executionContext = { waitUntil: () => undefined, passThroughOnException: () => undefined, props: {} };

Deno.serve(
  { hostname: environment.HOST || '127.0.0.1', port: Number(environment.PORT || 8787) },
  (request, { remoteAddr }) =>
    app.fetch(request, { peerAddress: () => remoteAddr.hostname }, executionContext),
);
