import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { originReadySchema } from '../../shared/contract/responses.ts';
import { newImage } from '../fixtures/images.ts';
import { type InProcessOrigin, startInProcessOrigin } from '../fixtures/in-process-origin.ts';
import { expectProblem } from '../fixtures/problem.ts';
import { readMetric } from '../fixtures/prometheus.ts';
import { postForExtraction } from '../fixtures/signed-request.ts';
import { until } from '../fixtures/until.ts';

const FATAL = { query: '?nfeatures=666' };

let origin: InProcessOrigin;
afterEach(() => {
  vi.restoreAllMocks();
  return origin.stop();
});

test('a thread that ends in the middle of a job fails that job alone, and is replaced', async () => {
  origin = await startInProcessOrigin({ worker: 'fragile-worker.ts', threads: 2 });
  const [fatal, other] = await Promise.all([
    postForExtraction(origin, await newImage(), FATAL),
    postForExtraction(origin, await newImage()),
  ]);
  await expectProblem(fatal, 'INTERNAL_SERVER_ERROR');
  expect(other.status).toBe(200);
  await until('the thread is replaced', () => origin.pool.status.threadsWarm === 2);
  expect(await readMetric(origin, 'thread_ends_total')).toBe(1);
  expect(await readMetric(origin, 'memory_reserved_bytes')).toBe(0);
  expect(await readMetric(origin, 'jobs_running')).toBe(0);
});

test('jobs that wait when the only thread ends are done by its successor', async () => {
  origin = await startInProcessOrigin({ worker: 'fragile-worker.ts' });
  const fatal = postForExtraction(origin, await newImage(), FATAL);
  const images = await Promise.all([newImage(), newImage(), newImage()]);
  const waiting = images.map((image) => postForExtraction(origin, image));
  await expectProblem(await fatal, 'INTERNAL_SERVER_ERROR');
  for (const request of waiting) expect((await request).status).toBe(200);
});

test('threads that end again and again do not stop the service', async () => {
  origin = await startInProcessOrigin({ worker: 'fragile-worker.ts' });
  for (let round = 0; round < 5; round += 1) {
    const fatal = await postForExtraction(origin, await newImage(), FATAL);
    await expectProblem(fatal, 'INTERNAL_SERVER_ERROR');
  }
  expect((await postForExtraction(origin, await newImage())).status).toBe(200);
  expect(await readMetric(origin, 'thread_ends_total')).toBe(5);
});

test('an origin whose threads cannot start is alive but not ready, and tries ever more rarely', async () => {
  origin = await startInProcessOrigin({ worker: 'broken-worker.ts' });
  await until('it has tried more than once', async () => (await readMetric(origin, 'thread_ends_total')) > 1);
  const ready = await fetch(`${origin.url}/health/ready`);
  expect(ready.status).toBe(503);
  expect(originReadySchema.parse(await ready.json()).status).toBe('starting');
  expect((await fetch(`${origin.url}/health/live`)).status).toBe(200);
  await sleep(1000);
  expect(await readMetric(origin, 'thread_ends_total')).toBeLessThan(10);
});

test('ready means that every thread has warmed up, and stays so while one is replaced', async () => {
  origin = await startInProcessOrigin({ worker: 'fragile-worker.ts', threads: 2 });
  const ready = async () => (await fetch(`${origin.url}/health/ready`)).status;
  expect(origin.pool.status.threadsWarm).toBe(2);
  expect(await ready()).toBe(200);
  await expectProblem(await postForExtraction(origin, await newImage(), FATAL), 'INTERNAL_SERVER_ERROR');
  expect(await ready()).toBe(200);
});

test('threads that are busy do not count as stalled before the time of their jobs is over', async () => {
  origin = await startInProcessOrigin({ worker: 'gated-worker.ts', threads: 2 });
  const caller = new AbortController();
  const kept = postForExtraction(origin, await newImage());
  const left = postForExtraction(origin, await newImage(), { signal: caller.signal });
  const isLeft = expect(left).rejects.toThrow();
  await until('both are busy', () => origin.pool.status.running === 2);
  // The process was stopped for an hour: no timer has fired yet.
  const now = performance.now.bind(performance);
  vi.spyOn(performance, 'now').mockImplementation(() => now() + 3_600_000);
  expect(origin.pool.isStalled).toBe(false);
  caller.abort();
  await isLeft;
  const abandoned = 'jobs_abandoned_total{state="running",reason="caller_gone"}';
  await until('its job is cancelled', async () => (await readMetric(origin, abandoned)) === 1);
  expect(origin.pool.isStalled).toBe(false);
  origin.letOnePass();
  expect((await kept).status).toBe(200);
  await until('both are free', () => origin.pool.status.running === 0);
});

test('an origin whose threads go on after their jobs were cancelled is neither live nor ready', async () => {
  origin = await startInProcessOrigin({ worker: 'gated-worker.ts', threads: 2, jobTimeoutMs: 200 });
  const jobs = [postForExtraction(origin, await newImage()), postForExtraction(origin, await newImage())];
  await until('both are busy', () => origin.pool.status.running === 2);
  const live = () => fetch(`${origin.url}/health/live`);
  expect((await live()).status).toBe(200);
  await until('the origin is stalled', async () => (await live()).status === 503);
  const ready = await fetch(`${origin.url}/health/ready`);
  expect(ready.status).toBe(503);
  expect(originReadySchema.parse(await ready.json()).status).toBe('stalled');
  for (const _ of jobs) origin.letOnePass();
  await Promise.all(jobs);
  await until('the threads are free', async () => (await live()).status === 200);
});
