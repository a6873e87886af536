import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFakePorts, type FakePorts } from '../../../fixtures/fake-ports.ts';
import { ownImage } from '../../../fixtures/images.ts';

const DETECT = '/api/v1/features/detect';

let ports: FakePorts;
beforeEach(() => {
  ports = createFakePorts();
});
afterEach(() => ports.close());

const upload = (name = 'png-rgb.png', path = DETECT) => {
  const body = new FormData();
  body.append('image', new File([ownImage(name)], name));
  return ports.request(path, { method: 'POST', body });
};

test('the first upload is a miss, the second a hit in memory, and the origin is called once', async () => {
  const miss = await upload();
  expect(miss.status).toBe(200);
  expect(miss.headers.get('x-cache')).toBe('MISS');
  expect(await miss.json()).toMatchObject({ success: true, keypoints: 3, descriptors_shape: [3, 128] });
  await ports.settled();
  const hit = await upload();
  expect(hit.headers.get('x-cache')).toBe('HIT memory');
  expect(await hit.json()).toMatchObject({ cached: true, keypoints: 3 });
  expect(ports.originRequests).toEqual(['/v1/extract']);
});

test('other parameters are another result', async () => {
  await upload();
  await ports.settled();
  const other = await upload('png-rgb.png', `${DETECT}?nfeatures=5`);
  expect(other.headers.get('x-cache')).toBe('MISS');
  expect(ports.originRequests).toHaveLength(2);
});

test('an unknown parameter is refused before anything is sent to the origin', async () => {
  const response = await upload('png-rgb.png', `${DETECT}?feature=5`);
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ success: false, error_code: 'INVALID_PARAMETER' });
  expect(ports.originRequests).toEqual([]);
});

test('a text file is INVALID_IMAGE, as a problem document with the id of the request', async () => {
  const response = await ports.request(DETECT, {
    method: 'POST',
    headers: { 'Content-Type': 'image/png', 'X-Request-ID': 'unit-1' },
    body: 'not an image at all',
  });
  expect(response.status).toBe(400);
  expect(response.headers.get('content-type')).toContain('application/problem+json');
  expect(await response.json()).toMatchObject({ error_code: 'INVALID_IMAGE', request_id: 'unit-1' });
});

test('without Redis uploads still get their features', async () => {
  ports.breakRedis(true);
  const response = await upload();
  expect(response.status).toBe(200);
  expect(response.headers.get('x-cache')).toBe('MISS');
});

test('an origin that responds with nonsense is 502 without its words', async () => {
  ports.breakOrigin(() => new Response('<html>secret stack</html>', { status: 500 }));
  const response = await upload();
  expect(response.status).toBe(502);
  const text = await response.text();
  expect(JSON.parse(text)).toMatchObject({ error_code: 'ORIGIN_UNAVAILABLE' });
  expect(text).not.toContain('secret');
});
