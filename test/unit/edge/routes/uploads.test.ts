import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { problemSchema } from '../../../../shared/contract/errors.ts';
import { createFakePorts, type FakePorts } from '../../../fixtures/fake-ports.ts';
import { ownImage } from '../../../fixtures/images.ts';

const DETECT = '/api/v1/features/detect';
const IMAGE = ownImage('jpeg-420.jpg');

let ports: FakePorts;
beforeEach(() => {
  ports = createFakePorts();
});
afterEach(() => ports.close());

async function codeOf(response: Response): Promise<string | number> {
  return response.ok ? response.status : problemSchema.parse(await response.json()).error_code;
}

const post = (body: Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}, path = DETECT) =>
  ports.request(path, { method: 'POST', body, headers });

/** A form as a client writes it by hand. */
function formOf(head: string, content: Uint8Array, preamble = ''): Uint8Array<ArrayBuffer> {
  return new Uint8Array(
    Buffer.concat([Buffer.from(`${preamble}--x\r\n${head}\r\n\r\n`), content, Buffer.from('\r\n--x--\r\n')]),
  );
}
const MULTIPART = { 'content-type': 'multipart/form-data; boundary=x' };

test('a compressed body is refused, and says why', async () => {
  const response = await post(IMAGE, { 'content-type': 'image/jpeg', 'content-encoding': 'gzip' });
  expect(response.status).toBe(415);
  expect(await response.json()).toMatchObject({
    error_code: 'UNSUPPORTED_MEDIA_TYPE',
    details: { content_encoding: 'gzip' },
  });
  expect(
    await codeOf(await post(IMAGE, { 'content-type': 'image/jpeg', 'content-encoding': 'identity' })),
  ).toBe(200);
});

test('a file without a file name is an image by its content, text is not', async () => {
  const head = 'Content-Disposition: form-data; name="image"';
  expect(await codeOf(await post(formOf(head, IMAGE), MULTIPART))).toBe(200);
  expect(await codeOf(await post(formOf(head, Buffer.from('text')), MULTIPART))).toBe('INVALID_PARAMETER');
});

test('a preamble and folded part headers are read', async () => {
  const head = 'Content-Disposition: form-data;\r\n name="image";\r\n filename="a.jpg"';
  expect(await codeOf(await post(formOf(head, IMAGE, '\r\n'), MULTIPART))).toBe(200);
});

test.each([
  ['multipart/form-data', 'has no boundary'],
  ['multipart/form-data; boundary=y', 'the boundary of its Content-Type is missing from the body'],
])('%s: the refusal says that %s', async (contentType, reason) => {
  const head = 'Content-Disposition: form-data; name="image"; filename="a.jpg"';
  const response = await post(formOf(head, IMAGE), { 'content-type': contentType });
  expect(await response.json()).toMatchObject({ message: expect.stringContaining(reason) });
});

test('every route checks in the same order: the body, then the parameters, then the image', async () => {
  const requests: [path: string, field: string][] = [
    [DETECT, 'image'],
    ['/api/v1/match', 'image1'],
  ];
  for (const [path, field] of requests) {
    const head = `Content-Disposition: form-data; name="${field}"; filename="a.jpg"`;
    const bad = formOf(head, Buffer.from('no image'));
    expect(await codeOf(await post(bad, { 'content-type': 'text/plain' }, path))).toBe(
      'UNSUPPORTED_MEDIA_TYPE',
    );
    const digest = { 'content-digest': `sha-256=:${Buffer.alloc(32).toString('base64')}:` };
    const contradicted = await post(bad, { ...MULTIPART, ...digest }, `${path}?sigma=x`);
    expect(await contradicted.json()).toMatchObject({ details: { parameter: 'Content-Digest' } });
    const parameters = await post(bad, MULTIPART, `${path}?sigma=x`);
    expect(await parameters.json()).toMatchObject({ details: { parameter: 'sigma' } });
    expect(await codeOf(await post(bad, MULTIPART, path))).toBe('INVALID_IMAGE');
  }
  expect(ports.originRequests).toEqual([]);
});

test('a payload of another image, or with other parameters, is 502 and not stored', async () => {
  // Decoders ignore what follows the image, hashes do not: no other test has stored these.
  const [asked, other] = [new Uint8Array([...IMAGE, 1]), new Uint8Array([...IMAGE, 2])];
  const type = { 'content-type': 'image/jpeg' };
  const first = await post(other, { ...type, accept: 'application/vnd.safetensors' });
  const payload = await first.arrayBuffer();
  ports.breakOrigin(() => new Response(payload.slice(0)));
  for (const [image, query] of [
    [asked, ''],
    [other, '?sigma=1.7'],
  ] as const) {
    expect(await codeOf(await post(image, type, DETECT + query)), query).toBe('ORIGIN_UNAVAILABLE');
  }
  ports.breakOrigin(undefined);
  expect((await post(asked, type)).headers.get('x-cache')).toBe('MISS');
});

test('while Redis is away GET by hash is 503, not 404', async () => {
  ports.breakRedis(true);
  const response = await ports.request(`/api/v1/features/${'a'.repeat(64)}`);
  expect(response.headers.get('retry-after')).not.toBeNull();
  expect(await codeOf(response)).toBe('SERVICE_NOT_READY');
});

test('a client that hangs up gets status 499, and no line of an error or a warning in the log', async () => {
  const gone = new AbortController();
  const lines = (['error', 'warn'] as const).map((level) =>
    vi.spyOn(console, level).mockImplementation(() => undefined),
  );
  ports.breakOrigin(() => {
    gone.abort();
    return new Promise(() => undefined);
  });
  try {
    const response = await ports.request(DETECT, {
      method: 'POST',
      body: new Uint8Array([...IMAGE, 3]),
      headers: { 'content-type': 'image/jpeg' },
      signal: gone.signal,
    });
    expect(response.status).toBe(499);
    for (const line of lines) expect(line).not.toHaveBeenCalled();
  } finally {
    for (const line of lines) line.mockRestore();
  }
});
