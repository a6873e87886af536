import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { startWorker } from '../../tools/worker/run-worker.ts';

const SETTINGS = {
  UPSTASH_REDIS_REST_URL: 'http://127.0.0.1:1',
  UPSTASH_REDIS_REST_TOKEN: 'token',
  ORIGIN_URL: 'http://127.0.0.1:1',
  ORIGIN_SECRET: 'a secret of at least thirty-two characters',
  EXTRACTOR: 'opencv-sift@0.0.0-test',
};

test('the Worker responds as soon as it is started, and no more when it is stopped', async () => {
  const worker = await startWorker({ port: 0, env: SETTINGS });
  // Without an origin it is alive and unhealthy.
  expect((await fetch(`${worker.url}/health`)).status).toBe(503);
  await worker.stop();
  await expect(fetch(`${worker.url}/health`)).rejects.toThrow();
  expect(await worker.exited).toBeDefined();
});

test('a Worker that cannot have its port is reported', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await expect(startWorker({ port, env: SETTINGS, log: 'ignore' })).rejects.toThrow(
      'workerd ended while starting',
    );
  } finally {
    server.close();
  }
});
