import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { extractionBytes } from '../../origin/jobs/memory.ts';
import { DEFAULT_SIFT_PARAMETERS } from '../../shared/contract/parameters.ts';
import { flatImage, newImage } from '../fixtures/images.ts';
import { type InProcessOrigin, startInProcessOrigin } from '../fixtures/in-process-origin.ts';
import { expectProblem } from '../fixtures/problem.ts';
import { readMetric } from '../fixtures/prometheus.ts';
import { headOf, rawConnection } from '../fixtures/raw-http.ts';
import { postForExtraction, postForMatch, signedRequest } from '../fixtures/signed-request.ts';
import { until } from '../fixtures/until.ts';
import { flatFeatures, payloadOfMany } from '../formats/flat-features.ts';

let origin: InProcessOrigin;
afterEach(() => origin.stop());

async function start(options: Omit<Parameters<typeof startInProcessOrigin>[0], 'worker'> = {}) {
  origin = await startInProcessOrigin({ worker: 'gated-worker.ts', ...options });
}

/** Sends an image that nobody sent before, so that it is an extraction of its own. */
async function send(options: Parameters<typeof postForExtraction>[2] = {}): Promise<Response> {
  return postForExtraction(origin, await newImage(), options);
}

const untilRunning = (count: number) => until(`${count} run`, () => origin.pool.status.running === count);
const untilQueued = (count: number) => until(`${count} wait`, () => origin.pool.status.queued === count);

/** Resolves with the reason, so that nobody has to catch it. */
const outcomeOf = (request: Promise<Response>) => request.catch((error: unknown) => error);

test('a full queue refuses at once and says when to come back', async () => {
  await start({ queueLength: 1 });
  const running = send();
  await untilRunning(1);
  const queued = send();
  await untilQueued(1);

  const refused = await send();
  await expectProblem(refused.clone(), 'OVERLOADED');
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  expect(await readMetric(origin, 'jobs_total{outcome="refused"}')).toBe(1);

  origin.letOnePass();
  expect((await running).status).toBe(200);
  origin.letOnePass();
  expect((await queued).status).toBe(200);
});

test('Retry-After grows with the work that waits', async () => {
  await start({ queueLength: 2, memoryBytes: 1e12 });
  const image = await flatImage(3000, 3000);
  const waiting = ['?n_octave_layers=6', '?n_octave_layers=7', '?n_octave_layers=8'].map((query) =>
    outcomeOf(postForExtraction(origin, image, { query })),
  );
  await untilQueued(2);
  const refused = await send();
  await expectProblem(refused.clone(), 'OVERLOADED');
  // 27 Mpx at the 5 Mpx/s that are assumed before any has been measured, and more for the layers.
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(5);
  await origin.stop();
  await Promise.all(waiting);
});

/** Two that are not the same. */
function largeMatches(): Promise<Response>[] {
  const features = payloadOfMany(30_000);
  return ['', '?model=fundamental'].map((query) => postForMatch(origin, [features, features], { query }));
}

/** The response to a request that arrives while the first of these runs and the second fills the queue; ends the origin. */
async function retryAfterBehind(requests: Promise<Response>[]): Promise<number> {
  const waiting = requests.map(outcomeOf);
  await untilQueued(1);
  const refused = await send();
  const seconds = Number(refused.headers.get('retry-after'));
  expect(seconds).toBeGreaterThan(0);
  await expectProblem(refused, 'OVERLOADED');
  await origin.stop();
  await Promise.all(waiting);
  return seconds;
}

test('Retry-After grows with the pixels, of which large images take less memory each', async () => {
  await start({ queueLength: 1, memoryBytes: 1e12 });
  const image = await flatImage(7000, 7000);
  const seconds = await retryAfterBehind(
    ['', '?sigma=1.7'].map((query) => postForExtraction(origin, image, { query })),
  );
  // Twice 49 Mpx at 5 Mpx/s; by their memory eight seconds.
  expect(seconds).toBeGreaterThan(15);
});

test('Retry-After counts denoising, which takes far longer than its memory suggests', async () => {
  await start({ queueLength: 1, memoryBytes: 1e12 });
  const image = await flatImage(1600, 1600);
  const query = '?denoise=true';
  const seconds = await retryAfterBehind(
    [query, `${query}&sigma=1.7`].map((each) => postForExtraction(origin, image, { query: each })),
  );
  // Twice 16 s of denoising; without, these 5 Mpx would be two seconds.
  expect(seconds).toBeGreaterThan(25);
});

test('Retry-After counts matches, whose time grows with the product of the keypoints', async () => {
  await start({ queueLength: 1, memoryBytes: 1e12 });
  // Twice the 900 million comparisons; by their memory both would be done within a second.
  expect(await retryAfterBehind(largeMatches())).toBeGreaterThan(5);
});

test('a match that cannot be done in time is refused at once; what can be is not', async () => {
  await start({ queueLength: 50, memoryBytes: 1e12, timeoutMs: 10_000 });
  // 8 s by the speed that is assumed before any has been measured.
  const features = payloadOfMany(40_000);
  const match = (query = '') => postForMatch(origin, [features, features], { query });
  const running = outcomeOf(match());
  await untilRunning(1);
  const refused = await match('?model=fundamental');
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  await expectProblem(refused, 'OVERLOADED');
  const small = outcomeOf(send());
  await untilQueued(1);
  await origin.stop();
  await Promise.all([running, small]);
});

test('matches of images without features do not make Retry-After endless', async () => {
  await start({ queueLength: 1, memoryBytes: 1e12 });
  const none = flatFeatures();
  for (let match = 0; match < 30; match += 1) {
    origin.letOnePass();
    expect((await postForMatch(origin, [none, none])).status).toBe(200);
  }
  expect(await retryAfterBehind(largeMatches())).toBeLessThan(600);
});

test('denoising that would take minutes is refused before it waits', async () => {
  await start();
  const image = await flatImage(4000, 3000);
  const refused = await postForExtraction(origin, image, { query: '?denoise=true' });
  await expectProblem(refused, 'IMAGE_TOO_LARGE');
  expect(origin.pool.status).toMatchObject({ running: 0, queued: 0 });
  expect(await readMetric(origin, 'upload_bytes')).toBe(0);
});

test('a request whose time is up while it waits gets 504 and never extracted', async () => {
  await start();
  const running = send();
  await untilRunning(1);
  const hasty = await send({ headers: { 'x-time-budget-ms': '50' } });
  await expectProblem(hasty, 'SERVICE_TIMEOUT');
  expect(origin.pool.status.queued).toBe(0);

  origin.letOnePass();
  expect((await running).status).toBe(200);
  await untilRunning(0);
  expect(await readMetric(origin, 'jobs_abandoned_total{state="queued",reason="timeout"}')).toBe(1);
  expect(await readMetric(origin, 'jobs_total{outcome="dropped"}')).toBe(1);
  expect(await readMetric(origin, 'queue_wait_seconds_count')).toBe(1);
});

test('the server has a time limit of its own', async () => {
  await start({ timeoutMs: 50 });
  const response = await send({ headers: { 'x-time-budget-ms': '60000' } });
  const { details } = await expectProblem(response, 'SERVICE_TIMEOUT');
  expect(details).toEqual({ budget_ms: 50 });
});

test('a request whose caller goes while it waits is never extracted', async () => {
  await start();
  const running = send();
  await untilRunning(1);
  const caller = new AbortController();
  const left = outcomeOf(send({ signal: caller.signal }));
  await untilQueued(1);
  caller.abort();
  await left;
  await untilQueued(0);

  origin.letOnePass();
  expect((await running).status).toBe(200);
  await untilRunning(0);
  expect(await readMetric(origin, 'jobs_abandoned_total{state="queued",reason="caller_gone"}')).toBe(1);
  expect(await readMetric(origin, 'requests_total{outcome="caller_gone"}')).toBe(1);
  expect(await readMetric(origin, 'queue_wait_seconds_count')).toBe(1);
  expect(await readMetric(origin, 'upload_bytes')).toBe(0);
});

test('an extraction that overruns gets 504, keeps its memory until it returns, and then all goes on', async () => {
  await start();
  const late = await send({ headers: { 'x-time-budget-ms': '100' } });
  await expectProblem(late, 'SERVICE_TIMEOUT');
  expect(origin.pool.status.running).toBe(1);
  expect(origin.pool.status.memoryReserved).toBeGreaterThan(0);
  expect(await readMetric(origin, 'jobs_abandoned_total{state="running",reason="timeout"}')).toBe(1);

  const next = send();
  await untilQueued(1);
  origin.letOnePass();
  await untilQueued(0);
  origin.letOnePass();
  expect((await next).status).toBe(200);
  await until('the memory is given back', () => origin.pool.status.memoryReserved === 0);
});

test('a client that asks again after a timeout gets an extraction that begins anew', async () => {
  await start();
  const image = await newImage();
  const late = await postForExtraction(origin, image, { headers: { 'x-time-budget-ms': '100' } });
  await expectProblem(late, 'SERVICE_TIMEOUT');
  const again = postForExtraction(origin, image);
  await until('it has joined', async () => (await readMetric(origin, 'single_flight_joins_total')) === 1);
  // The one that was given up ends; the next has a gate of its own.
  origin.letOnePass();
  origin.letOnePass();
  expect((await again).status).toBe(200);
  expect(await readMetric(origin, 'jobs_total{outcome="completed"}')).toBe(1);
});

test('no more runs at once than the memory allows, though threads are free', async () => {
  const image = await newImage();
  const one = extractionBytes('edgesift', { width: 160, height: 120 }, image.length, DEFAULT_SIFT_PARAMETERS);
  await start({ threads: 2, memoryBytes: Math.floor(one * 1.5) });
  const first = send();
  await untilRunning(1);
  const second = send();
  await untilQueued(1);
  expect(origin.pool.status.running).toBe(1);
  origin.letOnePass();
  expect((await first).status).toBe(200);
  await untilRunning(1);
  origin.letOnePass();
  expect((await second).status).toBe(200);
});

test('uploads beyond the budget are refused before they are read', async () => {
  await start({ uploadBytes: 100_000 });
  const { pathAndQuery, headers } = await signedRequest(origin.secret, await newImage());
  const slow = rawConnection(origin);
  slow.write(headOf('POST', pathAndQuery, { ...headers, 'content-length': '90000' }));
  await until('it is announced', async () => (await readMetric(origin, 'upload_bytes')) === 90_000);

  const refused = await send();
  await expectProblem(refused.clone(), 'OVERLOADED');
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);

  slow.destroy();
  await once(slow, 'close');
  await until('it is forgotten', async () => (await readMetric(origin, 'upload_bytes')) === 0);
  origin.letOnePass();
  expect((await send()).status).toBe(200);
});
