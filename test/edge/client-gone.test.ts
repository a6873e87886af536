import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { DETECT, postImage, readDetection } from '../fixtures/edge-client.ts';
import { completedExtractions, type EdgeStack, startEdgeStack } from '../fixtures/edge-stack.ts';
import { newImage } from '../fixtures/images.ts';
import { readMetric } from '../fixtures/prometheus.ts';
import { until } from '../fixtures/until.ts';

// Clients that leave by a reset: workerd's own server, unlike Cloudflare's, does not notice a mere end of stream,
// and Deno notices neither once it has the body (docs/operations.md). Then the work is done, and cached.
let stack: EdgeStack;
let blocking: Promise<Response>;

/** Extractions that were complete when the test began. */
let before: number;

beforeAll(async () => {
  stack = await startEdgeStack({ runtime: 'workerd', originEnvironment: { ORIGIN_THREADS: '1' } });
});
afterAll(() => stack?.stop());
beforeEach(async () => {
  await until('nothing is under way', async () => (await readMetric(stack.origin, 'jobs_running')) === 0);
  before = await completedExtractions(stack.origin);
  blocking = postImage(stack.url, await newImage(1_200, 1_000));
  await until(
    'the first extraction runs',
    async () => (await readMetric(stack.origin, 'jobs_running')) === 1,
  );
});

async function upload(image: Uint8Array): Promise<Socket> {
  const { hostname, port } = new URL(stack.url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  socket.write(
    `POST ${DETECT} HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: ${image.length}\r\n\r\n`,
  );
  socket.write(image);
  return socket;
}

function untilQueued(count: number): Promise<void> {
  return until(`${count} are queued`, async () => (await readMetric(stack.origin, 'jobs_queued')) === count);
}

test('clients that leave while their upload is queued: the work is dropped', async () => {
  const images = await Promise.all(Array.from({ length: 3 }, () => newImage()));
  const clients = await Promise.all(images.map(upload));
  await untilQueued(3);
  for (const client of clients) client.resetAndDestroy();
  await untilQueued(0);
  await readDetection(await blocking);
  expect(await completedExtractions(stack.origin)).toBe(before + 1);
  expect((await readDetection(await postImage(stack.url, await newImage()))).success).toBe(true);
});

test('the first client leaves while others wait for the same image: they get it', async () => {
  const image = await newImage();
  const leaving = await upload(image);
  await untilQueued(1);
  const staying = postImage(stack.url, image);
  await sleep(300);
  leaving.resetAndDestroy();
  expect((await readDetection(await staying)).keypoints).toBeGreaterThan(0);
  await readDetection(await blocking);
  expect(await completedExtractions(stack.origin)).toBe(before + 2);
});
