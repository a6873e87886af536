import { createHash } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFakePorts, type FakePorts } from '../../../fixtures/fake-ports.ts';
import { ownImage } from '../../../fixtures/images.ts';

const IMAGE = ownImage('png-rgb.png');
const PATH = `/api/v1/features/${createHash('sha256').update(IMAGE).digest('hex')}`;

let ports: FakePorts;
beforeEach(() => {
  ports = createFakePorts();
});
afterEach(() => ports.close());

async function uploadImage(): Promise<void> {
  const init = { method: 'POST', headers: { 'Content-Type': 'image/png' }, body: IMAGE };
  const response = await ports.request('/api/v1/features/detect', init);
  await response.text();
  await ports.settled();
}

test('404 before the upload, and what to do about it', async () => {
  const response = await ports.request(PATH);
  expect(response.status).toBe(404);
  expect(await response.json()).toMatchObject({
    error_code: 'FEATURES_NOT_CACHED',
    details: { upload: '/api/v1/features/detect' },
  });
});

test('200 after the upload, then 304 for its entity tag, in each format', async () => {
  await uploadImage();
  for (const format of ['json', 'safetensors', 'npz', 'colmap', 'key']) {
    const found = await ports.request(`${PATH}?format=${format}`);
    expect(found.status, format).toBe(200);
    expect((await found.arrayBuffer()).byteLength).toBeGreaterThan(0);
    const etag = found.headers.get('etag') ?? '';
    const unchanged = await ports.request(`${PATH}?format=${format}`, { headers: { 'If-None-Match': etag } });
    expect(unchanged.status, format).toBe(304);
  }
});

test('a path that ends in no hash is INVALID_PARAMETER', async () => {
  const response = await ports.request('/api/v1/features/nothing');
  expect(await response.json()).toMatchObject({ error_code: 'INVALID_PARAMETER' });
  expect(response.status).toBe(400);
});
