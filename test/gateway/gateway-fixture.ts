import { Redis } from '@upstash/redis';
import { expect, vi } from 'vitest';
import { createEmbeddedBackend } from '../../gateway/embedded/embedded-backend.ts';
import { createRedisBackend } from '../../gateway/redis-backend.ts';
import { createGateway } from '../../gateway/server.ts';
import { startRedisServer } from '../fixtures/redis-server.ts';

export const TOKEN = 'gateway-test-token';

/** Every store the gateway offers; the same behaviour is required of each. */
export const STORES = ['embedded', 'redis'] as const;

export interface TestGateway {
  readonly url: string;
  /** Sends a JSON body, or the given text as it is. */
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  stop(): Promise<void>;
}

/** A gateway on a free port, over an empty store of its own. */
export async function startTestGateway(store: (typeof STORES)[number]): Promise<TestGateway> {
  const redis = store === 'redis' ? await startRedisServer() : undefined;
  const gateway = await serve(redis?.url);
  await untilHealthy(gateway.url);
  return {
    ...gateway,
    async stop() {
      await gateway.stop();
      await redis?.stop();
    },
  };
}

/** A gateway is up before it has reached its Redis. */
export async function untilHealthy(url: string): Promise<void> {
  await vi.waitFor(async () => expect((await fetch(`${url}/health`)).status).toBe(200), { timeout: 5000 });
}

/** A gateway over the Redis at this URL, or over the embedded store without one. */
export async function serve(redisUrl?: string): Promise<TestGateway> {
  const backend =
    redisUrl === undefined
      ? createEmbeddedBackend({ maxBytes: 256 * 1024 * 1024 })
      : createRedisBackend({ url: redisUrl });
  const gateway = createGateway({ backend, token: TOKEN });
  const url = await gateway.listen({ host: '127.0.0.1', port: 0 });
  return {
    url,
    post: (path, body, headers) =>
      fetch(url + path, {
        method: 'POST',
        headers: { Authorization: `Bearer ${TOKEN}`, ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    stop() {
      // Node.js takes a connection that never sent a request for busy, and waits a minute for its end.
      gateway.server.closeAllConnections();
      return gateway.close();
    },
  };
}

/** Clients of Upstash's own package: as it comes, and as the service uses it. */
export const CLIENTS = {
  'with its default settings': (url: string) => new Redis({ url, token: TOKEN }),
  'with the settings of the service': (url: string) =>
    new Redis({
      url,
      token: TOKEN,
      responseEncoding: false,
      automaticDeserialization: false,
      retry: { retries: 0 },
      signal: () => AbortSignal.timeout(5000),
      enableTelemetry: false,
      readYourWrites: false,
    }),
};
