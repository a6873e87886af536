import { afterEach, beforeEach, expect, test } from 'vitest';
import { type RedisServer, startRedisServer } from '../fixtures/redis-server.ts';
import { serve, type TestGateway, untilHealthy } from './gateway-fixture.ts';

/** Far more than the gateway allows itself, far less than a client that hangs. */
const BOUND_MS = 5000;

let redis: RedisServer;
let gateway: TestGateway;

beforeEach(async () => {
  redis = await startRedisServer();
  gateway = await serve(redis.url);
  await untilHealthy(gateway.url);
});
afterEach(async () => {
  await gateway.stop();
  await redis.stop();
});

test('responds with 503 while Redis is stopped, and works again when it is back', async () => {
  await redis.stop();
  for (const path of ['/pipeline', '/multi-exec']) {
    await expect.poll(() => statusOf(path, [['get', 'a']])).toBe(503);
  }
  const response = await gateway.post('/', ['get', 'a']);
  expect(response.status).toBe(503);
  expect(await response.json()).toEqual({ error: 'ERR Redis does not respond' });
  expect((await fetch(`${gateway.url}/health`)).status).toBe(503);

  redis = await startRedisServer({ port: redis.port });
  await expect.poll(() => statusOf('/', ['set', 'a', 'x']), { timeout: BOUND_MS }).toBe(200);
  expect((await fetch(`${gateway.url}/health`)).status).toBe(200);
});

test('responds with 503 in bounded time while Redis hangs, and works again when it goes on', async () => {
  redis.pause();
  const statuses = await Promise.all([
    statusOf('/', ['get', 'a']),
    statusOf('/pipeline', [
      ['set', 'a', 'x'],
      ['get', 'a'],
    ]),
    statusOf('/multi-exec', [['set', 'a', 'x']]),
  ]);
  expect(statuses).toEqual([503, 503, 503]);

  redis.resume();
  await expect.poll(() => statusOf('/', ['set', 'a', 'y']), { timeout: BOUND_MS }).toBe(200);
  expect(await (await gateway.post('/', ['get', 'a'])).json()).toEqual({ result: 'y' });
});

test('starts while Redis is not there yet', async () => {
  await redis.stop();
  const early = await serve(redis.url);
  try {
    expect((await early.post('/', ['get', 'a'])).status).toBe(503);
    redis = await startRedisServer({ port: redis.port });
    await expect.poll(async () => (await early.post('/', ['ping'])).status, { timeout: BOUND_MS }).toBe(200);
  } finally {
    await early.stop();
  }
});

async function statusOf(path: string, body: unknown): Promise<number> {
  const response = await Promise.race([
    gateway.post(path, body),
    new Promise<never>((_, reject) => setTimeout(reject, BOUND_MS, new Error('no response in time'))),
  ]);
  await response.arrayBuffer();
  return response.status;
}
