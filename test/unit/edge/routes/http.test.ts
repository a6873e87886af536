import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createFakePorts, type FakePorts } from '../../../fixtures/fake-ports.ts';
import { ownImage } from '../../../fixtures/images.ts';

const DETECT = '/api/v1/features/detect';
const IMAGE = ownImage('png-rgb.png');
const BY_HASH = `/api/v1/features/${createHash('sha256').update(IMAGE).digest('hex')}`;

let ports: FakePorts;
beforeEach(() => {
  ports = createFakePorts({ CORS_ORIGINS: 'https://page.example' });
});
afterEach(() => ports.close());

const upload = (query = '') =>
  ports.request(DETECT + query, { method: 'POST', headers: { 'content-type': 'image/png' }, body: IMAGE });

describe('conditional requests', () => {
  const ask = (tag: string) => ports.request(BY_HASH, { headers: { 'if-none-match': tag } });

  test('a 304 says for how long the client may keep what it has', async () => {
    await upload();
    const found = await ports.request(BY_HASH);
    const unchanged = await ask(found.headers.get('etag') ?? '');
    expect(unchanged.status).toBe(304);
    expect(unchanged.headers.get('cache-control')).toMatch(/^public, max-age=3\d\d\d, immutable$/);
    expect(unchanged.headers.get('etag')).toBe(found.headers.get('etag'));
  });

  test('* is any representation, where there is one', async () => {
    expect((await ask('*')).status).toBe(404);
    await upload();
    const unchanged = await ask('*');
    expect([unchanged.status, unchanged.headers.get('cache-control') !== null]).toEqual([304, true]);
  });
});

test.each([
  ['PUT', DETECT, ['POST', 'GET', 'HEAD']],
  ['POST', BY_HASH, ['GET', 'HEAD']],
  ['POST', '/health', ['GET', 'HEAD']],
])('%s %s is 405 and says what is allowed', async (method, path, allowed) => {
  const response = await ports.request(path, { method });
  expect(response.status).toBe(405);
  expect(response.headers.get('allow')?.split(', ').toSorted()).toEqual(allowed.toSorted());
  expect(await response.json()).toMatchObject({ error_code: 'METHOD_NOT_ALLOWED' });
});

test('a path that does not exist is 404 with every method', async () => {
  for (const method of ['GET', 'PUT']) expect((await ports.request('/nothing', { method })).status).toBe(404);
});

test('HEAD has the head of GET and no body', async () => {
  await upload();
  for (const path of [BY_HASH, `${BY_HASH}?format=npz`, '/health/live']) {
    const [head, get] = [await ports.request(path, { method: 'HEAD' }), await ports.request(path)];
    expect([head.status, head.headers.get('content-type'), head.headers.get('etag')]).toEqual([
      get.status,
      get.headers.get('content-type'),
      get.headers.get('etag'),
    ]);
    expect(await head.text()).toBe('');
  }
});

test('pages may read the name of a file', async () => {
  await upload();
  const response = await ports.request(BY_HASH, { headers: { origin: 'https://page.example' } });
  expect(response.headers.get('access-control-expose-headers')).toContain('Content-Disposition');
});

describe('parameters are read as people mean them', () => {
  test.each([
    ['?root_sift=True', '?root_sift=true'],
    ['?root_sift=1&include=all', '?root_sift=true&include=all'],
    ['?contrast_threshold=.04', ''],
    ['?nfeatures=%2B5', '?nfeatures=5'],
    ['?nfeatures=+5', '?nfeatures=5'],
    ['?nfeatures=&sigma=', ''],
    ['?n_octave_layers=%203%20', ''],
    ['?utm_source=letter&utm_medium=mail&_=1700000000', ''],
  ])('%s is %s', async (lenient, strict) => {
    const [one, other] = [await upload(lenient), await upload(strict)];
    expect([one.status, other.status]).toEqual([200, 200]);
    expect(one.headers.get('etag')).toBe(other.headers.get('etag'));
  });

  test.each([
    '?colour=1',
    '?root_sift=2',
    '?nfeatures=five',
    '?denoise=maybe',
    '?utm=1',
    '?nfeatures=1&nfeatures=1',
  ])('%s stays an error', async (query) => {
    expect((await upload(query)).status).toBe(400);
  });
});

test('a redirect of the origin is not followed', async () => {
  ports.breakOrigin(() => Response.redirect('https://elsewhere.test/v1/extract', 307));
  const response = await upload();
  expect(response.status).toBe(502);
  expect(ports.originRequests).toHaveLength(1);
});
