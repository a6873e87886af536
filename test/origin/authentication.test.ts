import { afterAll, beforeAll, expect, test } from 'vitest';
import { SIGNATURE_WINDOW_MS } from '../../shared/origin-protocol.ts';
import { ownImage } from '../fixtures/images.ts';
import { type OriginServer, startOriginServer } from '../fixtures/origin-server.ts';
import { expectProblem } from '../fixtures/problem.ts';
import { readMetric } from '../fixtures/prometheus.ts';
import { headOf, rawExchange } from '../fixtures/raw-http.ts';
import { postForExtraction, signedRequest } from '../fixtures/signed-request.ts';

const image = ownImage('png-rgb.png');

let origin: OriginServer;
beforeAll(async () => {
  origin = await startOriginServer();
});
afterAll(() => origin.stop());

test('a request without a signature is refused', async () => {
  const response = await fetch(`${origin.url}/v1/extract`, { method: 'POST', body: image });
  await expectProblem(response, 'UNAUTHORIZED');
});

test('a request signed with another secret is refused', async () => {
  const stranger = { url: origin.url, secret: 'another secret of 32 characters or more' };
  await expectProblem(await postForExtraction(stranger, image), 'UNAUTHORIZED');
});

test.each([
  ['too old', -1],
  ['of the future', 1],
])('a signature %s is refused', async (_, sign) => {
  const timestampMs = Date.now() + sign * (SIGNATURE_WINDOW_MS + 30_000);
  await expectProblem(await postForExtraction(origin, image, { timestampMs }), 'UNAUTHORIZED');
});

test('clocks may differ within the window', async () => {
  const timestampMs = Date.now() - SIGNATURE_WINDOW_MS / 2;
  const response = await postForExtraction(origin, image, { timestampMs });
  expect(response.status).toBe(200);
  await response.arrayBuffer();
});

test.each(['x-edge-signature', 'x-edge-timestamp', 'content-digest'])(
  'a request whose %s was changed is refused',
  async (name) => {
    const request = await signedRequest(origin.secret, image);
    const value = request.headers[name] ?? '';
    const other = value.replace(/\d/, (digit) => String((Number(digit) + 1) % 10));
    expect(other).not.toBe(value);
    const response = await fetch(origin.url + request.pathAndQuery, {
      ...request,
      headers: { ...request.headers, [name]: other },
    });
    await expectProblem(response, 'UNAUTHORIZED');
  },
);

test('a request whose query was changed is refused', async () => {
  const { pathAndQuery, ...request } = await signedRequest(origin.secret, image, {
    query: '?nfeatures=10',
  });
  const response = await fetch(origin.url + pathAndQuery.replace('10', '11'), request);
  await expectProblem(response, 'UNAUTHORIZED');
});

test('a body that is not the signed one is refused, and is not extracted', async () => {
  const extracted = await readMetric(origin, 'jobs_total{outcome="completed"}');
  const { pathAndQuery, ...request } = await signedRequest(origin.secret, image);
  const body = ownImage('jpeg-444.jpg');
  await expectProblem(await fetch(origin.url + pathAndQuery, { ...request, body }), 'UNAUTHORIZED');
  expect(await readMetric(origin, 'jobs_total{outcome="completed"}')).toBe(extracted);
});

test('all refusals read alike: they do not reveal what was wrong', async () => {
  const stranger = { url: origin.url, secret: 'another secret of 32 characters or more' };
  const unsigned = await fetch(`${origin.url}/v1/extract`, { method: 'POST', body: image });
  const details = await Promise.all(
    [
      unsigned,
      await postForExtraction(stranger, image),
      await postForExtraction(origin, image, { timestampMs: 0 }),
    ].map(async (response) => (await expectProblem(response, 'UNAUTHORIZED')).detail),
  );
  expect(new Set(details).size).toBe(1);
});

test('an unsigned request gets its response without waiting for its body', async () => {
  const response = await rawExchange(origin, headOf('POST', '/v1/extract', { 'content-length': '9000000' }));
  expect(response).toMatch(/^HTTP\/1\.1 401 /);
});

test('metrics are on a port of their own, and not where edges call', async () => {
  await expectProblem(await fetch(`${origin.url}/metrics`), 'NOT_FOUND');
  const response = await fetch(`${origin.metricsUrl}/metrics`);
  expect(response.headers.get('content-type')).toMatch(/^text\/plain/);
  expect(await response.text()).toContain('edgesift_origin_jobs_queued');
  expect((await fetch(`${origin.metricsUrl}/health/ready`)).status).toBe(404);
});
