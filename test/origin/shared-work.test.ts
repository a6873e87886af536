import { afterEach, beforeEach, expect, test } from 'vitest';
import { newImage, ownImage } from '../fixtures/images.ts';
import { type InProcessOrigin, startInProcessOrigin } from '../fixtures/in-process-origin.ts';
import { expectProblem } from '../fixtures/problem.ts';
import { readMetric } from '../fixtures/prometheus.ts';
import { postForExtraction, postForMatch } from '../fixtures/signed-request.ts';
import { until } from '../fixtures/until.ts';
import { flatFeatures, payloadOfMany } from '../formats/flat-features.ts';

let origin: InProcessOrigin;
beforeEach(async () => {
  origin = await startInProcessOrigin({ worker: 'gated-worker.ts' });
});
afterEach(() => origin.stop());

const untilJoined = (count: number) =>
  until(
    `${count} have joined`,
    async () => (await readMetric(origin, 'single_flight_joins_total')) === count,
  );

test('200 simultaneous requests for one image are one extraction, and all get the same bytes', async () => {
  const image = ownImage('jpeg-444.jpg');
  const requests = Array.from({ length: 200 }, () => postForExtraction(origin, image));
  await untilJoined(199);
  expect(origin.pool.status).toMatchObject({ queued: 0, running: 1 });
  expect(await readMetric(origin, 'upload_bytes')).toBe(image.length);
  origin.letOnePass();
  const responses = await Promise.all(
    requests.map(async (request) => {
      const response = await request;
      expect(response.status).toBe(200);
      return Buffer.from(await response.arrayBuffer()).toString('base64');
    }),
  );
  expect(new Set(responses).size).toBe(1);
  expect(await readMetric(origin, 'jobs_total{outcome="completed"}')).toBe(1);
  expect(await readMetric(origin, 'upload_bytes')).toBe(0);
});

test('50 simultaneous requests for one match are one match, and all get the same response', async () => {
  const features = payloadOfMany(20);
  const requests = Array.from({ length: 50 }, () => postForMatch(origin, [features, features]));
  await untilJoined(49);
  expect(origin.pool.status).toMatchObject({ queued: 0, running: 1 });
  origin.letOnePass();
  const responses = await Promise.all(
    requests.map(async (request) => {
      const response = await request;
      expect(response.status).toBe(200);
      return response.text();
    }),
  );
  expect(new Set(responses).size).toBe(1);
  expect(await readMetric(origin, 'match_seconds_count')).toBe(1);
  expect(await readMetric(origin, 'upload_bytes')).toBe(0);
});

test('other images, their exchange and other parameters are other matches', async () => {
  const [none, some] = [flatFeatures(), payloadOfMany(20)];
  const requests = [
    postForMatch(origin, [none, some]),
    postForMatch(origin, [some, none]),
    postForMatch(origin, [some, some]),
    ...['model=fundamental', 'ratio=0.8', 'threshold=3', 'include=all'].map((pair) =>
      postForMatch(origin, [some, some], { query: `?${pair}` }),
    ),
  ];
  await until('all but one wait', () => origin.pool.status.queued === requests.length - 1);
  for (const _ of requests) origin.letOnePass();
  for (const request of requests) expect((await request).status).toBe(200);
  expect(await readMetric(origin, 'match_seconds_count')).toBe(requests.length);
});

test('the same match written in other ways is the same match', async () => {
  const features = payloadOfMany(20);
  const queries = ['', '?ratio=0.750', '?threshold=2e0&model=homography'];
  const requests = queries.map((query) => postForMatch(origin, [features, features], { query }));
  await untilJoined(2);
  origin.letOnePass();
  for (const request of requests) expect((await request).status).toBe(200);
});

test('other parameters are another extraction', async () => {
  const image = await newImage();
  const requests = ['', '?nfeatures=10'].map((query) => postForExtraction(origin, image, { query }));
  await until('one waits', () => origin.pool.status.queued === 1);
  origin.letOnePass();
  origin.letOnePass();
  for (const request of requests) expect((await request).status).toBe(200);
  expect(await readMetric(origin, 'jobs_total{outcome="completed"}')).toBe(2);
});

test('the same parameters written in other ways are the same extraction', async () => {
  const image = await newImage();
  const queries = ['', '?sigma=1.60', '?contrast_threshold=4e-2&nfeatures=0'];
  const requests = queries.map((query) => postForExtraction(origin, image, { query }));
  await untilJoined(2);
  origin.letOnePass();
  for (const request of requests) expect((await request).status).toBe(200);
});

test('a caller that leaves, first or last, does not disturb the others', async () => {
  const image = await newImage();
  const first = new AbortController();
  const last = new AbortController();
  const leaving = [postForExtraction(origin, image, { signal: first.signal }).catch(() => 'left')];
  await until('it runs', () => origin.pool.status.running === 1);
  const staying = postForExtraction(origin, image);
  await untilJoined(1);
  leaving.push(postForExtraction(origin, image, { signal: last.signal }).catch(() => 'left'));
  await untilJoined(2);
  first.abort();
  last.abort();
  expect(await Promise.all(leaving)).toEqual(['left', 'left']);
  origin.letOnePass();
  expect((await staying).status).toBe(200);
});

test('each waits as long as it can', async () => {
  const image = await newImage();
  const patient = postForExtraction(origin, image);
  await until('it runs', () => origin.pool.status.running === 1);
  const hasty = await postForExtraction(origin, image, { headers: { 'x-time-budget-ms': '50' } });
  await expectProblem(hasty, 'SERVICE_TIMEOUT');
  origin.letOnePass();
  expect((await patient).status).toBe(200);
});

test('work that waits is dropped only when all its callers have left', async () => {
  const running = newImage().then((image) => postForExtraction(origin, image));
  await until('it runs', () => origin.pool.status.running === 1);
  const image = await newImage();
  const callers = [new AbortController(), new AbortController()];
  const requests = callers.map(({ signal }) =>
    postForExtraction(origin, image, { signal }).catch(() => 'left'),
  );
  await untilJoined(1);
  callers[0]?.abort();
  await requests[0];
  await until('the first is gone', async () => {
    return (await readMetric(origin, 'requests_total{outcome="caller_gone"}')) === 1;
  });
  expect(origin.pool.status.queued).toBe(1);
  callers[1]?.abort();
  await until('nothing waits', () => origin.pool.status.queued === 0);
  origin.letOnePass();
  expect((await running).status).toBe(200);
  expect(await readMetric(origin, 'jobs_total{outcome="dropped"}')).toBe(1);
});

test('a failure reaches all callers, and is not remembered', async () => {
  const damaged = ownImage('png-rgb.png').slice(0, 2000);
  const requests = [postForExtraction(origin, damaged), postForExtraction(origin, damaged)];
  await untilJoined(1);
  origin.letOnePass();
  for (const request of requests) await expectProblem(await request, 'IMAGE_READ_ERROR');
  origin.letOnePass();
  await expectProblem(await postForExtraction(origin, damaged), 'IMAGE_READ_ERROR');
  expect(await readMetric(origin, 'jobs_total{outcome="image_read_error"}')).toBe(2);
});
