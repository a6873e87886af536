import { afterEach, expect, test } from 'vitest';
import { createApiKey } from '../../../../edge/access/api-key.ts';
import { requestsResponseSchema } from '../../../../shared/contract/requests.ts';
import { statsResponseSchema } from '../../../../shared/contract/stats.ts';
import { createFakePorts, type FakePorts } from '../../../fixtures/fake-ports.ts';
import { ownImage } from '../../../fixtures/images.ts';

const REQUESTS = '/api/v1/requests';

let ports: FakePorts | undefined;
afterEach(() => ports?.close());

async function open() {
  const edge = createFakePorts();
  ports = edge;
  const { key, record } = await createApiKey({ name: 'unit', scope: 'admin' });
  await edge.redis(['HSET', 'api-keys', record.id, JSON.stringify(record)]);
  const list = async (query = '') => {
    const response = await edge.request(REQUESTS + query, { headers: { 'X-API-Key': key } });
    return { status: response.status, body: await response.json() };
  };
  const latest = async (query?: string) => requestsResponseSchema.parse((await list(query)).body);
  return { edge, list, latest };
}

const upload = (edge: FakePorts, body: Uint8Array<ArrayBuffer>, id: string) =>
  edge.request('/api/v1/features/detect?include=all', {
    method: 'POST',
    headers: { 'Content-Type': 'image/png', 'X-Request-ID': id, Authorization: 'Bearer es_secret' },
    body,
  });

test('lists what this isolate responded to, the newest first, without what it must not keep', async () => {
  const { edge, latest } = await open();
  await upload(edge, ownImage('png-rgb.png'), 'good-1');
  await upload(edge, new Uint8Array(9), 'bad-1');
  const { scope, requests } = await latest();
  expect(scope).toBe('service');
  expect(requests).toMatchObject([
    { request_id: 'bad-1', status: 400, error_code: 'INVALID_IMAGE', outcome: 'other', method: 'POST' },
    { request_id: 'good-1', status: 200, error_code: null, outcome: 'origin', region: 'local' },
  ]);
  expect(JSON.stringify(requests)).not.toMatch(/es_secret|192\.0\.2\.1|include/);
});

test('are in Redis some seconds later, where every isolate finds them', async () => {
  const { edge, latest } = await open();
  await upload(edge, ownImage('png-rgb.png'), 'good-1');
  const before = edge.redisRequests;
  await edge.settled();
  // The result's records, and one request for counters and list together.
  expect(edge.redisRequests - before).toBeLessThanOrEqual(2);
  edge.startIsolate();
  expect((await latest()).requests).toMatchObject([{ request_id: 'good-1' }]);
});

test('are filtered by status, class of status, path and request id, and limited', async () => {
  const { edge, latest } = await open();
  await upload(edge, ownImage('png-rgb.png'), 'good-1');
  await upload(edge, new Uint8Array(9), 'bad-1');
  await edge.request('/api/v1/nothing', { headers: { 'X-Request-ID': 'lost-1' } });
  const ids = async (query: string) => (await latest(query)).requests.map(({ request_id }) => request_id);
  expect(await ids('?status=4xx')).toEqual(['lost-1', 'bad-1']);
  expect(await ids('?status=404')).toEqual(['lost-1']);
  expect(await ids('?path=features')).toEqual(['bad-1', 'good-1']);
  expect(await ids('?request_id=good-1')).toEqual(['good-1']);
  expect(await ids('?limit=1')).toEqual(['lost-1']);
});

test('leave out successful requests for pages, health, statistics and the list itself', async () => {
  const { edge, latest } = await open();
  for (const path of ['/health/live', '/api/v1/stats', '/openapi.json']) await edge.request(path);
  await latest();
  // Pages are not built here.
  expect((await latest()).requests).toMatchObject([{ path: '/openapi.json', status: 404 }]);
});

test.each(['?status=40', '?status=9xx', '?path=', '?limit=0', '?limit=1001', '?other=1'])(
  '%s is INVALID_PARAMETER',
  async (query) => {
    const { list } = await open();
    const { status, body } = await list(query);
    expect(status).toBe(400);
    expect(body).toMatchObject({ error_code: 'INVALID_PARAMETER' });
  },
);

test('take an API key in every deployment', async () => {
  const { edge } = await open();
  expect((await edge.request(REQUESTS)).status).toBe(401);
});

test('without Redis are those of this isolate', async () => {
  const { edge, latest } = await open();
  await latest();
  await upload(edge, new Uint8Array(9), 'bad-1');
  edge.breakRedis(true);
  expect(await latest()).toMatchObject({ scope: 'isolate', requests: [{ request_id: 'bad-1' }] });
});

test('statistics count errors by code, and have percentiles for each minute', async () => {
  const { edge } = await open();
  await upload(edge, new Uint8Array(9), 'bad-1');
  await upload(edge, ownImage('png-rgb.png'), 'good-1');
  await upload(edge, ownImage('png-rgb.png'), 'good-2');
  const { errors, series } = statsResponseSchema.parse(await (await edge.request('/api/v1/stats')).json());
  expect(errors).toEqual({ INVALID_IMAGE: 1 });
  expect(series.length).toBeGreaterThan(0);
  const total = (name: 'requests' | 'hits' | 'misses') =>
    series.reduce((sum, interval) => sum + interval[name], 0);
  expect([total('requests'), total('hits'), total('misses')]).toEqual([3, 1, 1]);
  for (const { latency_ms } of series) {
    expect(latency_ms.p50).toBeLessThanOrEqual(latency_ms.p99 ?? Number.POSITIVE_INFINITY);
  }
});
