import { afterEach, expect, test } from 'vitest';
import { type InProcessOrigin, startInProcessOrigin } from '../fixtures/in-process-origin.ts';
import { flatPicture, newPicture } from '../fixtures/pictures.ts';
import { expectProblem } from '../fixtures/problem.ts';
import { readMetric } from '../fixtures/prometheus.ts';
import { postForExtraction } from '../fixtures/signed-request.ts';
import { until } from '../fixtures/until.ts';

let origin: InProcessOrigin;
afterEach(() => origin.stop());

/** Takes many seconds with the parameters below. */
const slowPicture = () => flatPicture(4000, 3000);
const SLOW = { query: '?n_octave_layers=8&sigma=10' };

test('a job without callers ends, its thread is used again', { timeout: 60_000 }, async () => {
  origin = await startInProcessOrigin({ worker: 'native-worker.ts', memoryBytes: 1e10 });
  const picture = await slowPicture();
  const late = await postForExtraction(origin, picture, {
    ...SLOW,
    headers: { 'x-time-budget-ms': '1500' },
  });
  await expectProblem(late, 'SERVICE_TIMEOUT');
  await until('its thread is free', () => origin.pool.status.running === 0);
  expect((await postForExtraction(origin, await newPicture())).status).toBe(200);
  expect(await readMetric(origin, 'jobs_total{outcome="completed"}')).toBe(1);
  expect(await readMetric(origin, 'thread_ends_total')).toBe(0);
});

test('no job runs longer than the limit, whoever waits for it', { timeout: 60_000 }, async () => {
  origin = await startInProcessOrigin({
    worker: 'native-worker.ts',
    memoryBytes: 1e10,
    timeoutMs: 30_000,
    jobTimeoutMs: 1000,
  });
  const { details } = await expectProblem(
    await postForExtraction(origin, await slowPicture(), SLOW),
    'SERVICE_TIMEOUT',
  );
  expect(details).toEqual({ limit_ms: 1000 });
  await until('its thread is free', () => origin.pool.status.running === 0);
});
