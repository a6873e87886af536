import { randomBytes } from 'node:crypto';
import type autocannon from 'autocannon';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DETECT_PATH } from '../../bench/load/detect-job.ts';
import { runStage } from '../../bench/load-test/stage.ts';
import type { RunningWorker } from '../../tools/worker/run-worker.ts';
import { newImage } from '../fixtures/images.ts';
import { type OriginServer, startOriginServer } from '../fixtures/origin-server.ts';
import { startWorkerWithoutRedis } from '../fixtures/worker-without-redis.ts';

// What `npm run load` is made of: stages, here of a second, the shortest that there are, against a service that is soon
// full. All nine of them take autocannon ten seconds at the least.
let origin: OriginServer;
let edge: RunningWorker;
let image: Uint8Array<ArrayBuffer>;
beforeAll(async () => {
  origin = await startOriginServer({ ORIGIN_QUEUE_LENGTH: '1' });
  edge = await startWorkerWithoutRedis(origin);
  image = await newImage(320, 240);
});
afterAll(async () => {
  await edge?.stop();
  await origin?.stop();
});

const upload = (body: Uint8Array): autocannon.Request => ({
  method: 'POST',
  path: DETECT_PATH,
  headers: { 'content-type': 'image/png' },
  body: Buffer.from(body),
});

test('hits: every response is counted as one, with its time', async () => {
  const headers = { 'content-type': 'image/png' };
  await fetch(edge.url + DETECT_PATH, { method: 'POST', headers, body: image });
  const next = () => upload(image);
  const result = await runStage(edge.url, { name: 'hits', connections: 2, seconds: 1, next });
  const figure = expect.any(Number);
  expect(result).toEqual({
    stage: 'hits',
    connections: 2,
    responses_per_s: figure,
    outcomes: { '200 HIT memory': figure },
    failures: 0,
    ok_ms: { p50: figure, p99: figure, max: figure },
    refused_ms: null,
  });
});

test('more misses than the service takes: features and refusals, each one of the contract', async () => {
  // Decoders ignore what follows the image, hashes do not.
  const next = () => upload(Buffer.concat([image, randomBytes(8)]));
  const result = await runStage(edge.url, { name: 'misses', connections: 24, seconds: 1, next });
  expect(result.failures).toBe(0);
  expect(Object.keys(result.outcomes).toSorted()).toEqual(['200 MISS', '503 OVERLOADED']);
  expect(result.ok_ms?.p50).toBeGreaterThan(0);
  expect(result.refused_ms?.p50).toBeGreaterThan(0);
});
