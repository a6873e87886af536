import { afterEach, expect, test } from 'vitest';
import { flatImage, newImage } from '../fixtures/images.ts';
import { type InProcessOrigin, startInProcessOrigin } from '../fixtures/in-process-origin.ts';
import { expectProblem } from '../fixtures/problem.ts';
import { readMetric } from '../fixtures/prometheus.ts';
import { postForExtraction } from '../fixtures/signed-request.ts';
import { until } from '../fixtures/until.ts';

let origin: InProcessOrigin;
afterEach(() => origin.stop());

/** Takes many seconds with the parameters below. */
const slowImage = () => flatImage(4000, 3000);
const SLOW = { query: '?n_octave_layers=8&sigma=10' };

test('a job without callers ends, its thread is used again', { timeout: 60_000 }, async () => {
  origin = await startInProcessOrigin({ worker: 'native-worker.ts', memoryBytes: 1e10 });
  const image = await slowImage();
  const late = await postForExtraction(origin, image, {
    ...SLOW,
    headers: { 'x-time-budget-ms': '1500' },
  });
  await expectProblem(late, 'SERVICE_TIMEOUT');
  await until('its thread is free', () => origin.pool.status.running === 0);
  expect((await postForExtraction(origin, await newImage())).status).toBe(200);
  expect(await readMetric(origin, 'jobs_total{outcome="completed"}')).toBe(1);
  expect(await readMetric(origin, 'thread_ends_total')).toBe(0);
});

test('no job runs longer than the limit, even with callers that wait', { timeout: 60_000 }, async () => {
  origin = await startInProcessOrigin({
    worker: 'native-worker.ts',
    memoryBytes: 1e10,
    timeoutMs: 30_000,
    jobTimeoutMs: 1000,
  });
  const { details } = await expectProblem(
    await postForExtraction(origin, await slowImage(), SLOW),
    'SERVICE_TIMEOUT',
  );
  expect(details).toEqual({ limit_ms: 1000 });
  await until('its thread is free', () => origin.pool.status.running === 0);
});
