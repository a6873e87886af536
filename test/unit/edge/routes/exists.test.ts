import { afterEach, expect, test } from 'vitest';
import { existsResponseSchema, MAX_EXISTS_HASHES } from '../../../../shared/contract/exists.ts';
import { detectResponseSchema } from '../../../../shared/contract/responses.ts';
import { createFakePorts, type FakePorts } from '../../../fixtures/fake-ports.ts';
import { ownImage } from '../../../fixtures/images.ts';

const EXISTS = '/api/v1/features/exists';
const UNKNOWN = '0'.repeat(64);

let ports: FakePorts | undefined;
afterEach(() => ports?.close());

function open(settings?: Record<string, string>): FakePorts {
  ports = createFakePorts(settings);
  return ports;
}

function ask(edge: FakePorts, body: unknown, query = ''): Promise<Response> {
  return edge.request(EXISTS + query, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

async function upload(edge: FakePorts, name: string): Promise<string> {
  const body = ownImage(name);
  const headers = { 'Content-Type': 'image/*' };
  const response = await edge.request('/api/v1/features/detect', { method: 'POST', headers, body });
  const { image, cache } = detectResponseSchema.parse(await response.json());
  await expect.poll(() => edge.redis(['EXISTS', `features:${cache.key}:summary`])).toEqual([1]);
  return image.sha256;
}

test('names the cached hashes in their order, each once, from memory and from Redis', async () => {
  const edge = open();
  const inRedis = await upload(edge, 'png-rgb.png');
  edge.startIsolate();
  const inMemory = await upload(edge, 'png-grey.png');
  const response = await ask(edge, { sha256: [inMemory, UNKNOWN, inRedis, inMemory] });
  expect(response.status).toBe(200);
  expect(existsResponseSchema.parse(await response.json())).toMatchObject({
    cached: [inMemory, inRedis],
    missing: 1,
  });
});

test('what is in memory needs no Redis', async () => {
  const edge = open();
  const sha256 = await upload(edge, 'png-rgb.png');
  edge.breakRedis(true);
  expect(await (await ask(edge, { sha256: [sha256] })).json()).toMatchObject({
    cached: [sha256],
    missing: 0,
  });
});

test('is about the results of its parameters', async () => {
  const edge = open();
  const sha256 = await upload(edge, 'png-rgb.png');
  const response = await ask(edge, { sha256: [sha256] }, '?nfeatures=5');
  expect(await response.json()).toMatchObject({ cached: [], missing: 1 });
});

test('asks Redis once about a thousand hashes', async () => {
  const edge = open();
  const sha256 = Array.from({ length: MAX_EXISTS_HASHES }, (_, index) =>
    index.toString(16).padStart(64, '0'),
  );
  const before = edge.redisRequests;
  expect((await ask(edge, { sha256 })).status).toBe(200);
  expect(edge.redisRequests - before).toBe(1);
});

test('without Redis it does not say that nothing is cached', async () => {
  const edge = open();
  edge.breakRedis(true);
  const response = await ask(edge, { sha256: [UNKNOWN] });
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({ error_code: 'SERVICE_NOT_READY' });
});

test.each([
  ['no JSON', '{', '', 'INVALID_PARAMETER'],
  ['no list', { sha256: UNKNOWN }, '', 'INVALID_PARAMETER'],
  ['no hash', { sha256: [] }, '', 'INVALID_PARAMETER'],
  [
    'too many',
    { sha256: Array.from({ length: MAX_EXISTS_HASHES + 1 }, () => UNKNOWN) },
    '',
    'INVALID_PARAMETER',
  ],
  ['a body beyond all hashes', ' '.repeat(200_000), '', 'INVALID_PARAMETER'],
  ['what is no hash', { sha256: ['abc'] }, '', 'INVALID_PARAMETER'],
  ['an unknown field', { sha256: [UNKNOWN], other: 1 }, '', 'INVALID_PARAMETER'],
  ['a parameter of representation', { sha256: [UNKNOWN] }, '?include=all', 'INVALID_PARAMETER'],
])('%s is refused', async (_, body, query, error_code) => {
  const response = await ask(open(), body, query);
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ error_code });
});

test('a form is refused as another media type', async () => {
  const body = new FormData();
  body.append('sha256', UNKNOWN);
  const response = await open().request(EXISTS, { method: 'POST', body });
  expect(response.status).toBe(415);
  expect(await response.json()).toMatchObject({ error_code: 'UNSUPPORTED_MEDIA_TYPE' });
});

test('costs a unit of the rate limit for every fifty hashes', async () => {
  // A window that does not end during the test.
  const edge = open({ RATE_LIMIT: '100', RATE_LIMIT_WINDOW_S: '86400' });
  const remaining = async (count: number) => {
    const sha256 = Array.from({ length: count }, (_, index) => index.toString(16).padStart(64, '0'));
    const { headers } = await ask(edge, { sha256 });
    return Number(/r=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1]);
  };
  expect(await remaining(1)).toBe(99);
  expect(await remaining(50)).toBe(98);
  expect(await remaining(51)).toBe(96);
  expect(await remaining(1_000)).toBe(76);
});
