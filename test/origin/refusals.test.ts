import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { OriginClient } from '../../edge/features/origin-client.ts';
import { CircuitBreaker } from '../../edge/resilience/circuit-breaker.ts';
import { MemoryBudget } from '../../edge/resilience/memory-budget.ts';
import { DEFAULT_SIFT_PARAMETERS } from '../../shared/contract/parameters.ts';
import { TraceContext } from '../../shared/contract/trace-context.ts';
import { flatImage, ownImage } from '../fixtures/images.ts';
import { type OriginServer, startOriginServer } from '../fixtures/origin-server.ts';
import { expectProblem } from '../fixtures/problem.ts';
import { readMetric } from '../fixtures/prometheus.ts';
import { headOf, rawExchange } from '../fixtures/raw-http.ts';
import { postForExtraction, signedRequest } from '../fixtures/signed-request.ts';

const MAX_IMAGE_BYTES = 1_000_000;
const MAX_IMAGE_PIXELS = 1_000_000;
/** The least that can be set: enough for 700,000 pixels with default parameters. */
const ORIGIN_MEMORY_BYTES = 64 * 1024 * 1024;

let origin: OriginServer;
beforeAll(async () => {
  origin = await startOriginServer({
    MAX_IMAGE_BYTES: String(MAX_IMAGE_BYTES),
    MAX_IMAGE_PIXELS: String(MAX_IMAGE_PIXELS),
    ORIGIN_MEMORY_BYTES: String(ORIGIN_MEMORY_BYTES),
  });
});
afterAll(() => origin.stop());

const textBytes = (text: string) => new TextEncoder().encode(text);

test.each([
  ['an empty body', new Uint8Array(0)],
  ['text', textBytes('not an image')],
  ['random bytes', new Uint8Array(randomBytes(5000))],
  ['an image of another format', textBytes('GIF89a and more')],
  ['the first bytes of a PNG', ownImage('png-rgb.png').slice(0, 20)],
  ['a TIFF that ends before its directory', ownImage('tiff-rgb.tif').slice(0, 1000)],
])('%s is no image', async (_, body) => {
  await expectProblem(await postForExtraction(origin, body), 'INVALID_IMAGE');
});

test.each(['jpeg-444.jpg', 'jpeg-progressive.jpg', 'png-rgb.png', 'bmp-24.bmp', 'webp-lossy.webp'])(
  '%s cut in half cannot be read',
  async (name) => {
    const image = ownImage(name);
    const half = image.slice(0, image.length / 2);
    await expectProblem(await postForExtraction(origin, half), 'IMAGE_READ_ERROR');
  },
);

test('a file that is announced as too long is refused, its body unread', async () => {
  const { pathAndQuery, headers } = await signedRequest(origin.secret, ownImage('png-rgb.png'));
  const head = headOf('POST', pathAndQuery, { ...headers, 'content-length': String(MAX_IMAGE_BYTES + 1) });
  const response = await rawExchange(origin, head);
  expect(response).toMatch(/^HTTP\/1\.1 413 /);
  expect(response).toContain('"error_code":"IMAGE_TOO_LARGE"');
});

test('a file that is too long is refused', async () => {
  const response = await postForExtraction(origin, new Uint8Array(MAX_IMAGE_BYTES + 1));
  const { details } = await expectProblem(response, 'IMAGE_TOO_LARGE');
  expect(details).toEqual({ limit: 'bytes', max: MAX_IMAGE_BYTES, actual: MAX_IMAGE_BYTES + 1 });
});

test('a file of unannounced length is refused as soon as it is too long', async () => {
  const { pathAndQuery, headers } = await signedRequest(origin.secret, ownImage('png-rgb.png'));
  const chunk = `${(MAX_IMAGE_BYTES + 1).toString(16)}\r\n${'x'.repeat(MAX_IMAGE_BYTES + 1)}\r\n`;
  const head = headOf('POST', pathAndQuery, { ...headers, 'transfer-encoding': 'chunked' });
  const response = await rawExchange(origin, head + chunk);
  expect(response).toMatch(/^HTTP\/1\.1 413 /);
  expect(response).toContain('"limit":"bytes"');
});

test('a file of unannounced length is extracted', async () => {
  const { pathAndQuery, headers, body } = await signedRequest(origin.secret, ownImage('png-rgb.png'));
  const stream = new Blob([body]).stream();
  const response = await fetch(origin.url + pathAndQuery, {
    method: 'POST',
    headers,
    body: stream,
    duplex: 'half',
  });
  expect(response.status, await response.text()).toBe(200);
});

test('an image of too many pixels is refused without being decoded', async () => {
  const failed = await readMetric(origin, 'jobs_total{outcome="image_too_large"}');
  const { details } = await expectProblem(
    await postForExtraction(origin, await flatImage(1001, 1000)),
    'IMAGE_TOO_LARGE',
  );
  expect(details).toMatchObject({ limit: 'pixels', max: MAX_IMAGE_PIXELS, actual: 1_001_000 });
  expect(await readMetric(origin, 'jobs_total{outcome="image_too_large"}')).toBe(failed);
});

test('an image whose extraction takes more memory than there is is refused', async () => {
  const { details } = await expectProblem(
    await postForExtraction(origin, await flatImage(980, 980), {
      query: '?n_octave_layers=8&sigma=10',
    }),
    'IMAGE_TOO_LARGE',
  );
  expect(details).toMatchObject({ limit: 'memory', max: ORIGIN_MEMORY_BYTES });
  expect(details.actual).toBeGreaterThan(ORIGIN_MEMORY_BYTES);
});

test('the same image is accepted with parameters that take less', async () => {
  const response = await postForExtraction(origin, await flatImage(980, 980), {
    query: '?n_octave_layers=1',
  });
  expect(response.status, await response.text()).toBe(200);
});

test.each([
  ['?blur=3', 'blur'],
  ['?sigma=99', 'sigma'],
  ['?nfeatures=many', 'nfeatures'],
  ['?nfeatures=1&nfeatures=2', 'nfeatures'],
  ['?root_sift=true', 'root_sift'],
])('parameters %s are refused', async (query, parameter) => {
  const response = await postForExtraction(origin, ownImage('png-rgb.png'), { query });
  const { details } = await expectProblem(response, 'INVALID_PARAMETER');
  expect(details).toMatchObject({ parameter });
});

test.each(['0', '-5', '1.5', 'soon'])('a time budget of %s is refused', async (budget) => {
  const response = await postForExtraction(origin, ownImage('png-rgb.png'), {
    headers: { 'x-time-budget-ms': budget },
  });
  await expectProblem(response, 'INVALID_PARAMETER');
});

test('any type of content is taken: the bytes decide', async () => {
  for (const type of ['image/jpeg', 'application/json', 'text/plain', 'multipart/form-data; boundary=x']) {
    const response = await postForExtraction(origin, ownImage('png-rgb.png'), {
      headers: { 'content-type': type },
    });
    expect(response.status, await response.text()).toBe(200);
  }
});

test.each([
  ['GET', '/nowhere', 'NOT_FOUND'],
  ['GET', '/v1/extract', 'NOT_FOUND'],
  ['DELETE', '/health/live', 'NOT_FOUND'],
  ['POST', '/health/live', 'NOT_FOUND'],
  ['GET', '/%zz', 'INVALID_PARAMETER'],
] as const)('%s %s is a problem document too', async (method, path, code) => {
  const problem = await expectProblem(await fetch(origin.url + path, { method }), code);
  expect(problem.instance).toBe(path);
});

test.each([
  ['what is no HTTP at all', 'this is no HTTP\r\n\r\n', '400 Bad Request'],
  [
    'a request whose head is too large',
    headOf('GET', '/health/live', { 'x-large': 'x'.repeat(20_000) }),
    '431 Request Header Fields Too Large',
  ],
])('%s gets a status without a document and a closed connection', async (_, request, status) => {
  const response = await rawExchange(origin, request);
  expect(response).toBe(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
});

test('the edge does not blame its client for a request of its own that the origin cannot read', async () => {
  const breaker = new CircuitBreaker({ failureThreshold: 5, cooldownMs: 1000 });
  const responses = new MemoryBudget(1e9, 'full');
  const { url, secret } = origin;
  const client = new OriginClient({ url, secret, timeoutMs: 10_000, breaker, responses });
  const job = {
    bytes: ownImage('png-rgb.png'),
    digest: new Uint8Array(32),
    parameters: DEFAULT_SIFT_PARAMETERS,
    ttlSeconds: 60,
    requestId: 'x'.repeat(20_000),
    client: 'network:127.0.0.1',
    trace: new TraceContext(undefined),
    signal: new AbortController().signal,
  };
  await expect(client.extract(job)).rejects.toMatchObject({
    code: 'INTERNAL_SERVER_ERROR',
    cause: expect.stringContaining('431'),
  });
});

test('after all that the origin still works and holds nothing', async () => {
  const response = await postForExtraction(origin, ownImage('png-rgb.png'));
  expect(response.status, await response.text()).toBe(200);
  expect(await readMetric(origin, 'upload_bytes')).toBe(0);
  expect(await readMetric(origin, 'memory_reserved_bytes')).toBe(0);
  expect(await readMetric(origin, 'thread_ends_total')).toBe(0);
});
