import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFakePorts, type FakePorts } from '../../../fixtures/fake-ports.ts';
import { ownImage } from '../../../fixtures/images.ts';

const IMAGE = ownImage('png-rgb.png');

let ports: FakePorts;
beforeEach(() => {
  ports = createFakePorts({ RATE_LIMIT: '20', RATE_LIMIT_MISS_COST: '8', RATE_LIMIT_WINDOW_S: '86400' });
});
afterEach(() => ports.close());

/** Decoders ignore what follows the image, hashes do not. */
const variant = (index: number) => new Uint8Array([...IMAGE, index]);
const upload = (image: Uint8Array<ArrayBuffer>) =>
  ports.request('/api/v1/features/detect', {
    method: 'POST',
    headers: { 'content-type': 'image/png' },
    body: image,
  });
const remaining = (response: Response) =>
  Number(/r=(\d+)/.exec(response.headers.get('ratelimit') ?? '')?.[1]);

test('many new images at once pass no more than their limit pays for', async () => {
  const responses = await Promise.all(Array.from({ length: 12 }, (_, index) => upload(variant(index))));
  // Each has paid a unit for its admission, and one the seven more that an extraction costs.
  expect(responses.filter(({ status }) => status === 200).length).toBe(1);
  expect(responses.filter(({ status }) => status === 429).length).toBe(11);
  expect(ports.originRequests).toHaveLength(1);
});

test('an image that cannot be decoded costs as much as one that can, a failure of ours costs nothing more', async () => {
  const problem = {
    type: 'x',
    title: 'x',
    detail: 'damaged',
    instance: '/',
    success: false,
    request_id: 'x',
  };
  ports.breakOrigin(() =>
    Response.json(
      { ...problem, status: 422, error_code: 'IMAGE_READ_ERROR', message: 'damaged', details: {} },
      { status: 422 },
    ),
  );
  expect(remaining(await upload(variant(1)))).toBe(12);
  ports.breakOrigin(() => new Response('', { status: 500 }));
  expect(remaining(await upload(variant(2)))).toBe(11);
});

test('a hit costs one unit', async () => {
  expect(remaining(await upload(IMAGE))).toBe(12);
  expect(remaining(await upload(IMAGE))).toBe(11);
});
