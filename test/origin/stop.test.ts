import { afterEach, expect, test } from 'vitest';
import { originReadySchema } from '../../shared/contract/responses.ts';
import { newImage } from '../fixtures/images.ts';
import { type OriginServer, startOriginServer } from '../fixtures/origin-server.ts';
import { expectProblem } from '../fixtures/problem.ts';
import { readMetric } from '../fixtures/prometheus.ts';
import { postForExtraction } from '../fixtures/signed-request.ts';
import { until } from '../fixtures/until.ts';

let origin: OriginServer;
afterEach(() => origin.kill());

/** The status of a response that has been read to its end. */
async function statusOf(request: Promise<Response>): Promise<number> {
  const response = await request;
  await response.arrayBuffer();
  return response.status;
}

test('an idle origin that is stopped ends with status 0', async () => {
  origin = await startOriginServer();
  expect(await origin.stop()).toBe(0);
  expect(origin.log.at(-1)).toContain('stopped');
});

test('what runs and what waits is finished, what comes is refused, and the probe says so', async () => {
  origin = await startOriginServer({ ORIGIN_THREADS: '1' });
  const large = await newImage(1000, 1000);
  const running = statusOf(postForExtraction(origin, large));
  await until('it runs', async () => (await readMetric(origin, 'jobs_running')) === 1);
  const waiting = statusOf(postForExtraction(origin, await newImage()));
  await until('the other waits', async () => (await readMetric(origin, 'jobs_queued')) === 1);

  const stopped = origin.stop();
  await until('it is stopping', () => origin.log.some((line) => line.includes('"stopping"')));
  const refused = await postForExtraction(origin, await newImage());
  await expectProblem(refused, 'SERVICE_NOT_READY');
  const ready = await fetch(`${origin.url}/health/ready`);
  expect(ready.status).toBe(503);
  expect(originReadySchema.parse(await ready.json()).status).toBe('stopping');
  expect((await fetch(`${origin.url}/health/live`)).status).toBe(200);

  expect(await running).toBe(200);
  expect(await waiting).toBe(200);
  expect(await stopped).toBe(0);
});

test('a second signal ends the process at once, native code or not', async () => {
  origin = await startOriginServer();
  const lost = postForExtraction(origin, await newImage(1000, 1000)).catch(() => 'lost');
  await until('it runs', async () => (await readMetric(origin, 'jobs_running')) === 1);
  const stopped = origin.stop();
  await until('it is stopping', () => origin.log.some((line) => line.includes('"stopping"')));
  process.kill(origin.pid, 'SIGINT');
  expect(await stopped).toBeNull();
  expect(await lost).toBe('lost');
});
