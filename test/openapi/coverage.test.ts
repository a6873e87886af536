import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApp } from '../../edge/app.ts';
import { parseConfiguration } from '../../edge/configuration.ts';
import type { Assets } from '../../edge/http/assets.ts';
import { Ingest } from '../../edge/ingest/ingest.ts';
import { MemoryBudget } from '../../edge/resilience/memory-budget.ts';
import { createServices } from '../../edge/services.ts';
import { startApp } from '../../edge/start.ts';
import { errorCodeSchema } from '../../shared/contract/errors.ts';
import { detectResponseSchema } from '../../shared/contract/responses.ts';
import { contentDigestOf } from '../../shared/origin-protocol.ts';
import { sha256, sha256Hex } from '../../shared/sha256.ts';
import { type EdgeStack, startEdgeStack } from '../fixtures/edge-stack.ts';
import { type FakeJobService, KNOWN_JOB, startFakeJobService } from '../fixtures/fake-job-service.ts';
import { newImage, ownImage } from '../fixtures/images.ts';
import { createKey } from '../fixtures/tool.ts';
import { operations } from './documented.ts';
import { documentedThings, Recorder } from './recorder.ts';

// Meets everything that the OpenAPI document promises, against the real service where that can be brought to it. Every
// response must be one that the document describes; the last test says what was never met.

const recorder = new Recorder();
let stack: EdgeStack;
let jobs: FakeJobService;
let adminKey: string;
let readKey: string;

type Bytes = Uint8Array<ArrayBuffer>;

beforeAll(async () => {
  jobs = await startFakeJobService();
  const edgeEnvironment = { REDIS_TIMEOUT_MS: '3000', JOBS_URL: jobs.url };
  stack = await startEdgeStack({ runtime: 'workerd', edgeEnvironment });
  adminKey = await createKey(stack.redisEnvironment, 'admin');
  readKey = await createKey(stack.redisEnvironment, 'read');
});
afterAll(async () => {
  await stack?.stop();
  await jobs?.stop();
});

async function call(pathAndQuery: string, init: RequestInit = {}): Promise<Response> {
  const request = new Request(stack.url + pathAndQuery, init);
  const response = await fetch(request.clone());
  await recorder.record(request, response);
  return response;
}

function form(...parts: [name: string, value: Bytes | string][]): FormData {
  const data = new FormData();
  for (const [name, value] of parts) {
    data.append(name, typeof value === 'string' ? value : new File([value], 'image'));
  }
  return data;
}

function inference(image: Bytes): Blob {
  const data = [Buffer.from(image).toString('base64')];
  const inputs = [{ name: 'image', datatype: 'BYTES', shape: [1], data }];
  return new Blob([JSON.stringify({ inputs })], { type: 'application/json' });
}

const DETECT = '/api/v1/features/detect';
const EXISTS = '/api/v1/features/exists';
const BATCH = '/api/v1/features/batch';
const MATCH = '/api/v1/match';
const VEHICLE = '/api/vehicle/classify';
const VEHICLES = '/api/vehicle/classify-batch';
const REPORT = '/api/vehicle/report';
const MODELS = '/api/models/metadata';
const registry: { aliases: { champion: string } } = JSON.parse(
  readFileSync(new URL('../../models/vehicles/registry.json', import.meta.url), 'utf8'),
);
const INFERENCE_MODEL = '/v2/models/vehicle';
const INFERENCE_VERSION = `${INFERENCE_MODEL}/versions/${registry.aliases.champion}`;
const INFERENCES = [`${INFERENCE_MODEL}/infer`, `${INFERENCE_VERSION}/infer`];
/** Whose images fail alone. */
const BATCHES = [BATCH, VEHICLES];
const REQUESTS = '/api/v1/requests';
const KEYS = '/api/v1/cache/keys';
const JOBS = '/api/v1/jobs';
const JSON_BODY = { 'content-type': 'application/json' };
const UPLOADS: [path: string, makeForm: (image: Bytes) => FormData | Blob][] = [
  [DETECT, (image) => form(['image', image])],
  [BATCH, (image) => form(['images', image])],
  [MATCH, (image) => form(['image1', image], ['image2', image])],
  [VEHICLE, (image) => form(['file', image])],
  [VEHICLES, (image) => form(['files', image])],
  [REPORT, (image) => form(['file', image])],
  ...INFERENCES.map((path): [string, (image: Bytes) => Blob] => [path, inference]),
];
const NOWHERE = '0'.repeat(64);
const SIFT =
  'nfeatures=50&n_octave_layers=3&contrast_threshold=0.03&edge_threshold=12&sigma=1.5&denoise=true&denoise_h=4' +
  '&denoise_h_color=4&denoise_template_window_size=3&denoise_search_window_size=5&orientation=ignore';
const GEOMETRY = 'model=fundamental&ratio=0.8&threshold=3&include=all';

const post = (path: string, body: FormData | Blob, headers: Record<string, string> = {}) =>
  call(path, { method: 'POST', body, headers });
const question = (sha256: string[]): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ sha256 }),
});
const admin = () => ({ Authorization: `Bearer ${adminKey}` });

/** Any good request for each operation. */
async function samples(): Promise<[path: string, init: RequestInit][]> {
  const image = await newImage();
  return operations.map(({ method, path }) => {
    const concrete = path
      .replace('{sha256}', NOWHERE)
      .replace('{vehicle_id}', 'nothing')
      .replace('{key}', 'opencv-sift@0/n0/0')
      .replace('{file}', 'docs.js')
      .replace('{version}', registry.aliases.champion)
      .replace('{id}', KNOWN_JOB);
    const makeForm = UPLOADS.find(([upload]) => upload === concrete)?.[1];
    const query = method === 'DELETE' && path === KEYS ? '?pattern=none' : '';
    if (path === EXISTS) return [concrete, question([NOWHERE])];
    return [concrete + query, { method, ...(makeForm && { body: makeForm(image) }) }];
  });
}

test('features in every format, with every parameter', async () => {
  const image = ownImage('jpeg-420.jpg');
  const hash = await sha256Hex(image);
  const types = operations.find(({ path }) => path === DETECT)?.responses['200']?.content ?? {};
  for (const Accept of Object.keys(types)) {
    for (const include of ['summary', 'keypoints', 'all']) {
      const query = `?include=${include}`;
      expect((await post(DETECT + query, form(['image', image]), { Accept })).status).toBe(200);
      for (const method of ['GET', 'HEAD']) {
        const found = await call(`/api/v1/features/${hash}${query}`, { method, headers: { Accept } });
        expect(found.status).toBe(200);
        const etag = found.headers.get('etag') ?? '';
        const headers = { Accept, 'If-None-Match': etag };
        expect((await call(`/api/v1/features/${hash}${query}`, { method, headers })).status).toBe(304);
      }
    }
  }
  const everything = `?${SIFT}&root_sift=true&include=all&format=json`;
  await post(DETECT + everything, form(['image', image]));
  for (const method of ['GET', 'HEAD']) {
    expect((await call(`/api/v1/features/${hash}${everything}`, { method })).status).toBe(200);
    expect((await call(`/api/v1/features/${NOWHERE}`, { method })).status).toBe(404);
    expect((await call('/api/v1/features/no-hash', { method })).status).toBe(400);
  }
  for (const include of ['summary', 'keypoints', 'all']) {
    const batch = form(['images', image], ['images', new Uint8Array(3)]);
    const query = `?${SIFT}&root_sift=true&include=${include}`;
    expect((await post(BATCH + query, batch)).status).toBe(200);
  }
});

test('vehicles, with every parameter', async () => {
  const image = ownImage('jpeg-420.jpg');
  const hash = await sha256Hex(image);
  for (const query of ['', '?box=2,2,40,40&include=all']) {
    expect((await post(VEHICLE + query, form(['file', image]))).status).toBe(200);
    for (const method of ['GET', 'HEAD']) {
      const found = await call(`/api/vehicle/${hash}${query}`, { method });
      expect(found.status).toBe(200);
      const headers = { 'If-None-Match': found.headers.get('etag') ?? '' };
      expect((await call(`/api/vehicle/${hash}${query}`, { method, headers })).status).toBe(304);
    }
  }
  for (const method of ['GET', 'HEAD']) {
    expect((await call(`/api/vehicle/${NOWHERE}`, { method })).status).toBe(404);
    expect((await call('/api/vehicle/no-hash', { method })).status).toBe(400);
  }
  for (const Accept of ['application/json', 'application/x-ndjson']) {
    const batch = form(['files', image], ['files', new Uint8Array(3)]);
    expect((await post(`${VEHICLES}?include=explanation`, batch, { Accept })).status).toBe(200);
  }
  expect((await call(MODELS)).status).toBe(200);
  for (const format of ['json', 'html']) {
    const query = `?box=2,2,40,40&vehicle_id=car-1&format=${format}`;
    expect((await post(REPORT + query, form(['file', image]))).status).toBe(200);
    expect((await call(`${REPORT}/car-1?format=${format}`)).status).toBe(200);
  }
  expect((await call(`${REPORT}/car-1?format=pdf`)).status).toBe(400);
  expect((await call(`${REPORT}/nothing`)).status).toBe(404);
});

test('vehicles by the inference protocol', async () => {
  const image = ownImage('jpeg-420.jpg');
  for (const path of ['/v2', '/v2/health/live', '/v2/health/ready']) {
    expect((await call(path)).status, path).toBe(200);
  }
  for (const path of [INFERENCE_MODEL, INFERENCE_VERSION]) {
    expect((await call(path)).status, path).toBe(200);
    expect((await call(`${path}/ready`)).status, path).toBe(200);
    const header = new TextEncoder().encode(
      JSON.stringify({
        parameters: { binary_data_output: true },
        inputs: [
          {
            name: 'image',
            datatype: 'BYTES',
            shape: [1],
            parameters: { binary_data_size: image.length + 4 },
          },
        ],
      }),
    );
    const length = new Uint8Array(Uint32Array.of(image.length).buffer);
    const headers = { 'Inference-Header-Content-Length': String(header.length) };
    const response = await post(`${path}/infer`, new Blob([header, length, image]), headers);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/octet-stream');
  }
  for (const path of ['', '/ready']) {
    expect((await call(`${INFERENCE_MODEL}/versions/none${path}`)).status).toBe(404);
  }
  expect((await post(`${INFERENCE_MODEL}/versions/none/infer`, inference(image))).status).toBe(404);
});

test('matching with every parameter, with a model and without', async () => {
  const image = ownImage('png-rgb.png');
  const images = () => form(['image1', image], ['image2', image]);
  for (const query of ['', `?${SIFT}&${GEOMETRY}`, '?nfeatures=1']) {
    expect((await post(MATCH + query, images())).status).toBe(200);
  }
});

test('which images have cached features, with every parameter', async () => {
  const body = question([NOWHERE, await sha256Hex(ownImage('jpeg-420.jpg'))]);
  const digest = contentDigestOf(await sha256(new TextEncoder().encode(String(body.body))));
  const headers = { ...body.headers, 'content-digest': digest };
  const response = await call(`${EXISTS}?${SIFT}`, { ...body, headers });
  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({ cached: [await sha256Hex(ownImage('jpeg-420.jpg'))] });
  expect((await call(EXISTS, question([]))).status).toBe(400);
  expect((await call(EXISTS, { method: 'POST', body: 'text' })).status).toBe(415);
});

test('uploads with a digest', async () => {
  for (const [path, makeForm] of UPLOADS) {
    const request = new Request(stack.url, { method: 'POST', body: makeForm(ownImage('png-rgb.png')) });
    const body = new Uint8Array(await request.arrayBuffer());
    const headers = {
      'content-type': request.headers.get('content-type') ?? '',
      'content-digest': contentDigestOf(await sha256(body)),
    };
    expect((await call(path, { method: 'POST', body, headers })).status).toBe(200);
    const other = { ...headers, 'content-digest': contentDigestOf(new Uint8Array(32)) };
    expect((await call(path, { method: 'POST', body, headers: other })).status).toBe(400);
  }
});

test('uploads that are no good', async () => {
  const image = ownImage('png-rgb.png');
  for (const [path, makeForm] of UPLOADS) {
    // The inference protocol has no parameters in the query, and one media type or the other.
    if (!INFERENCES.includes(path)) {
      expect((await post(`${path}?sigma=huge`, makeForm(image))).status).toBe(400);
      expect((await call(path, { method: 'POST', body: 'text' })).status).toBe(415);
    }
    const large = new Uint8Array(11 * 1024 * 1024);
    const field = path === BATCH ? 'images' : 'files';
    const images = BATCHES.includes(path)
      ? form(...[1, 2, 3].map((): [string, Bytes] => [field, large]))
      : null;
    expect((await post(path, images ?? makeForm(large))).status).toBe(413);
    if (BATCHES.includes(path)) continue;
    expect((await post(path, makeForm(new Uint8Array(9)))).status).toBe(400);
    expect((await post(path, makeForm(image.slice(0, 60)))).status).toBe(422);
  }
  expect((await post(BATCH, form(['images', image]), { Accept: 'text/html' })).status).toBe(406);
  expect((await post(MATCH, form(['image1', NOWHERE], ['image2', NOWHERE]))).status).toBe(404);
});

test('health, statistics, pages and their files', async () => {
  const paths = ['/health', '/health/live', '/health/ready', '/api/v1/stats'];
  const files = ['docs.js', 'redoc.css', 'icon.svg'].map((name) => `/assets/${name}`);
  for (const path of [...paths, '/', '/docs', '/redoc', '/openapi.json', ...files]) {
    expect((await call(path)).status, path).toBe(200);
  }
  expect((await call('/assets/nothing.js')).status).toBe(404);
});

test('the latest requests, with every parameter', async () => {
  const query = '?status=2xx&path=features&request_id=none&limit=10';
  expect((await call(REQUESTS + query, { headers: admin() })).status).toBe(200);
  expect((await call(`${REQUESTS}?status=none`, { headers: admin() })).status).toBe(400);
});

test('cache administration', async () => {
  const response = await post(DETECT, form(['image', await newImage()]));
  const { cache } = detectResponseSchema.parse(await response.json());
  await expect.poll(async () => (await call(`${KEYS}/${cache.key}`, { headers: admin() })).status).toBe(200);
  const requests: [method: string, path: string, status: number][] = [
    ['GET', `${KEYS}?pattern=*&cursor=0&limit=10`, 200],
    ['GET', `${KEYS}?patern=*`, 400],
    ['DELETE', KEYS, 400],
    ['DELETE', `${KEYS}/${cache.key}`, 200],
    ['DELETE', `${KEYS}/${cache.key}`, 404],
    ['GET', `${KEYS}/${cache.key}`, 404],
    ['DELETE', `${KEYS}?pattern=*&cursor=0`, 200],
  ];
  for (const [method, path, status] of requests) {
    expect((await call(path, { method, headers: admin() })).status, `${method} ${path}`).toBe(status);
  }
});

test('bulk jobs', async () => {
  const body = JSON.stringify({ source: { images: [] }, output: '/results/' });
  const create = (text: string) => call(JOBS, { method: 'POST', body: text, headers: JSON_BODY });
  expect((await call(JOBS, { method: 'POST', body })).status).toBe(415);
  expect((await create(body)).status).toBe(202);
  expect((await create('{}')).status).toBe(400);
  expect((await create('x'.repeat(3 * 1024 * 1024))).status).toBe(413);
  const requests: [method: string, path: string, status: number][] = [
    ['GET', `${JOBS}?limit=10&before=${KNOWN_JOB}`, 200],
    ['GET', `${JOBS}?limit=0`, 400],
    ['GET', `${JOBS}/${KNOWN_JOB}`, 200],
    ['GET', `${JOBS}/${KNOWN_JOB}/events`, 200],
    ['POST', `${JOBS}/${KNOWN_JOB}/cancel`, 200],
    ['POST', `${JOBS}/${KNOWN_JOB}/retry-failed`, 202],
    ['POST', `${JOBS}/nothing-failed-${KNOWN_JOB}/retry-failed`, 400],
  ];
  for (const [method, path, status] of requests) {
    expect((await call(path, { method })).status, `${method} ${path}`).toBe(status);
  }
  expect(jobs.requests).toContain(`POST /v1/jobs ${body}`);
});

test('bulk jobs where they are not set up, and where their service is gone', async () => {
  const paths = operations.filter(({ path }) => path.startsWith(JOBS));
  expect(paths).toHaveLength(6);
  for (const [JOBS_URL, status] of [
    ['', 404],
    ['http://127.0.0.1:1', 502],
  ] as const) {
    await stack.restartEdge({ JOBS_URL });
    for (const { method, path } of paths) {
      const init = { method, ...(method === 'POST' && { body: '{}', headers: JSON_BODY }) };
      expect((await call(path.replace('{id}', KNOWN_JOB), init)).status, path).toBe(status);
    }
  }
});

test('without a key, with too small a one, and beyond the limit', async () => {
  await stack.restartEdge({ REQUIRE_API_KEY: 'true' });
  const guarded = async () => (await samples()).filter(([path]) => /^\/(api|v2\/models)\//.test(path));
  for (const [path, init] of await guarded()) {
    expect((await call(path, init)).status, path).toBe(401);
  }
  for (const [path, init] of await guarded()) {
    const headers = { Authorization: `Bearer ${readKey}` };
    const { status } = await call(path, { ...init, headers });
    const takesMore =
      (init.method === 'POST' && path !== EXISTS) || path.startsWith(KEYS) || path === REQUESTS;
    if (takesMore) expect(status, path).toBe(403);
  }
  await stack.restartEdge({ REQUIRE_API_KEY: 'true', RATE_LIMIT: '1', RATE_LIMIT_WINDOW_S: '86400' });
  await fetch(`${stack.url}/api/v1/stats`, { headers: admin() });
  for (const [path, init] of await guarded()) {
    expect((await call(path, { ...init, headers: admin() })).status, path).toBe(429);
  }
});

test('uploads that come too slowly', async () => {
  await stack.restartEdge({ UPLOAD_TIMEOUT_MS: '300' });
  for (const path of [JOBS, EXISTS, ...UPLOADS.map(([upload]) => upload)]) {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    void writer.write(new Uint8Array(10)).catch(() => undefined);
    const url = stack.url + path;
    const takesJson = path === JOBS || path === EXISTS;
    const headers = takesJson ? JSON_BODY : { 'content-type': 'multipart/form-data; boundary=x' };
    const response = await fetch(url, { method: 'POST', body: readable, headers, duplex: 'half' });
    await recorder.record(new Request(url, { method: 'POST', headers }), response);
    expect(response.status).toBe(504);
    await writer.abort().catch(() => undefined);
  }
});

test('more uploads at once than an isolate holds', async () => {
  const full = new MemoryBudget(1, 'Too many uploads are in progress.', { longestWaitMs: 0 });
  await full.acquire(1);
  const limits = { maxBytes: 10_000_000, maxPixels: 50_000_000, timeoutMs: 1_000 };
  const services = workingServices();
  services.ingest = new Ingest(limits, { small: full, large: full });
  const app = createApp(services);
  for (const [path, makeForm] of UPLOADS) {
    const body = makeForm(await newImage());
    expect(await callApp(app, path, { method: 'POST', body }), path).toBe(503);
  }
  const init = { method: 'POST', body: '{}', headers: JSON_BODY };
  expect(await callApp(app, JOBS, init)).toBe(503);
});

test('without an origin', async () => {
  await stack.restartEdge();
  await stack.origin.kill();
  for (const [path, makeForm] of UPLOADS) {
    const { status } = await post(path, makeForm(await newImage()));
    expect(status).toBe(BATCHES.includes(path) ? 200 : 502);
  }
  expect((await call(MODELS)).status).toBe(502);
  for (const path of [INFERENCE_MODEL, INFERENCE_VERSION]) {
    expect((await call(path)).status).toBe(502);
    expect((await call(`${path}/ready`)).status).toBe(502);
  }
  expect((await call('/v2/health/ready')).status).toBe(502);
  for (const path of ['/health', '/health/ready']) expect((await call(path)).status).toBe(503);
});

// What has no cause outside of the edge is brought about in its own app.
const PLATFORM = { peerAddress: () => '127.0.0.1' };
const EXECUTION = { waitUntil: () => undefined, passThroughOnException: () => undefined, props: {} };
const NO_ASSETS: Assets = { open: async () => undefined };

async function callApp(app: ReturnType<typeof startApp>, path: string, init: RequestInit): Promise<number> {
  const request = new Request(`http://edge${path}`, init);
  const response = await app.fetch(request.clone(), PLATFORM, EXECUTION);
  await recorder.record(request, response);
  return response.status;
}

function workingServices() {
  const configuration = parseConfiguration({
    UPSTASH_REDIS_REST_URL: 'http://127.0.0.1:1',
    UPSTASH_REDIS_REST_TOKEN: 'token',
    ORIGIN_URL: 'http://127.0.0.1:1',
    ORIGIN_SECRET: 'a secret of more than 32 characters',
    EXTRACTOR: 'opencv-sift@4.6.0-avx2',
  });
  return createServices(configuration, NO_ASSETS);
}

test('not set up completely', async () => {
  const app = startApp({}, NO_ASSETS);
  for (const [path, init] of await samples()) expect(await callApp(app, path, init), path).toBe(503);
});

test('a defect of ours', async () => {
  const services = workingServices();
  services.stats.count = () => {
    throw new Error('a defect');
  };
  const app = createApp(services);
  for (const [path, init] of await samples()) expect(await callApp(app, path, init), path).toBe(500);
});

test('pages that were not built', async () => {
  const app = createApp(workingServices());
  for (const path of ['/', '/docs', '/redoc', '/openapi.json']) {
    expect(await callApp(app, path, {}), path).toBe(404);
  }
});

test('nothing that the document describes is left', () => {
  expect(documentedThings().length).toBeGreaterThan(200);
  expect(recorder.missing()).toEqual([]);
});

test('every error of the contract is an error of some operation', () => {
  const codes = new Set(documentedThings().map((thing) => thing.split(' ').at(-1)));
  // Of a method that no operation has.
  expect(errorCodeSchema.options.filter((code) => !codes.has(code))).toEqual(['METHOD_NOT_ALLOWED']);
});
