import { afterAll, beforeAll, expect, test } from 'vitest';
import { newImage } from '../fixtures/images.ts';
import { type OriginServer, startOriginServer } from '../fixtures/origin-server.ts';
import { expectProblem } from '../fixtures/problem.ts';
import { readMetrics } from '../fixtures/prometheus.ts';
import { postForExtraction } from '../fixtures/signed-request.ts';
import { until } from '../fixtures/until.ts';

const UPLOAD_BYTES = 13_000_000;
const MEMORY_BYTES = 70_000_000;
const QUEUE_LENGTH = 3;

let origin: OriginServer;
beforeAll(async () => {
  origin = await startOriginServer({
    ORIGIN_THREADS: '2',
    ORIGIN_UPLOAD_BYTES: String(UPLOAD_BYTES),
    MAX_IMAGE_BYTES: '1000000',
    ORIGIN_MEMORY_BYTES: String(MEMORY_BYTES),
    ORIGIN_QUEUE_LENGTH: String(QUEUE_LENGTH),
  });
});
afterAll(() => origin.stop());

const gauge = (samples: Map<string, number>, name: string) =>
  samples.get(`edgesift_origin_${name}`) ?? Number.NaN;

test('under a flood of different images every bound holds, and every request gets a response', async () => {
  const images: Uint8Array<ArrayBuffer>[] = [];
  for (let index = 0; index < 40; index += 1) images.push(await newImage(400, 400));
  const samples: Map<string, number>[] = [];
  let flooding = true;
  const watching = (async () => {
    while (flooding) samples.push(await readMetrics(origin));
  })();
  const responses = await Promise.all(images.map((image) => postForExtraction(origin, image)));
  flooding = false;
  await watching;

  const refused = responses.filter(({ status }) => status !== 200);
  expect(refused.length).toBeGreaterThan(0);
  expect(refused.length).toBeLessThan(responses.length);
  for (const response of refused) {
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    await expectProblem(response, 'OVERLOADED');
  }
  for (const sample of samples) {
    expect(gauge(sample, 'upload_bytes')).toBeLessThanOrEqual(UPLOAD_BYTES);
    expect(gauge(sample, 'memory_reserved_bytes')).toBeLessThanOrEqual(MEMORY_BYTES);
    expect(gauge(sample, 'jobs_queued')).toBeLessThanOrEqual(QUEUE_LENGTH);
  }
  await until('nothing is left', async () => {
    const sample = await readMetrics(origin);
    return ['upload_bytes', 'memory_reserved_bytes', 'jobs_queued', 'jobs_running'].every(
      (name) => gauge(sample, name) === 0,
    );
  });
});

test('a refused client is served when it retries', async () => {
  expect((await postForExtraction(origin, await newImage(400, 400))).status).toBe(200);
});
