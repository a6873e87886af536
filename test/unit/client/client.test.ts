import { expect, test } from 'vitest';
import { EdgesiftError } from '../../../client/errors.ts';
import { clientOf, type Handler, problem, sha256Of } from './fake-service.ts';
import { featureFile } from './feature-file.ts';

const IMAGE = new TextEncoder().encode('bytes of an image');
const HASH = sha256Of(IMAGE);

const found: Handler = () => Response.json({ success: true, keypoints: 3 });
/** Knows nothing by hash, and takes every upload. */
const unknownImage: Handler = (request) =>
  request.method === 'GET' ? problem('FEATURES_NOT_CACHED') : found(request);

async function errorOf(call: Promise<unknown>): Promise<EdgesiftError> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof EdgesiftError) return error;
  throw new Error(`no EdgesiftError: ${error}`);
}

test('an image that the service knows is requested by hash, and never sent', async () => {
  const { client, requests } = clientOf(found);
  await expect(client.detect(IMAGE, { nfeatures: 500 })).resolves.toMatchObject({ keypoints: 3 });
  expect(requests.map(({ method, path, query }) => [method, path, query])).toEqual([
    ['GET', `/api/v1/features/${HASH}`, { nfeatures: '500', format: 'json' }],
  ]);
  expect(requests[0]?.headers.get('authorization')).toBe('Bearer es_key');
});

test.each([
  ['bytes', IMAGE],
  ['a buffer', IMAGE.buffer],
  ['a blob', new Blob([IMAGE], { type: 'image/png' })],
])('an image that the service does not know is sent once, given as %s', async (_, image) => {
  const { client, requests } = clientOf(unknownImage);
  await client.detect(image, { sigma: 2, include: 'all' });
  expect(requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
    `GET /api/v1/features/${HASH}`,
    'POST /api/v1/features/detect',
  ]);
  expect(requests[1]?.query).toEqual({ sigma: '2', include: 'all', format: 'json' });
  expect(requests[1]?.body).toEqual(IMAGE);
  expect(requests[1]?.headers.get('content-type')).toMatch(/^image\//);
});

test('an image that is certainly new is sent at once', async () => {
  const { client, requests } = clientOf(found);
  await client.detect(IMAGE, {}, { hashFirst: false });
  expect(requests.map(({ method }) => method)).toEqual(['POST']);
});

test('features by hash alone fail where they are not cached', async () => {
  const { client, requests } = clientOf(unknownImage);
  const error = await errorOf(client.features(HASH.toUpperCase()));
  expect(error.code).toBe('FEATURES_NOT_CACHED');
  expect(requests.map(({ path }) => path)).toEqual([`/api/v1/features/${HASH}`]);
  await expect(client.detect('photo.jpg')).rejects.toThrow(/SHA-256/);
});

test('features come as arrays', async () => {
  const { client, requests } = clientOf(() => new Response(featureFile(5)));
  const features = await client.features(IMAGE);
  expect([features.count, features.descriptors.length]).toEqual([5, 5 * 128]);
  expect(requests[0]?.query).toEqual({ format: 'safetensors' });
});

test('errors carry the code, details and request id of the service', async () => {
  const { client, requests } = clientOf(() =>
    problem('IMAGE_TOO_LARGE', { details: { limit: 'pixels', max: 50_000_000 } }),
  );
  const error = await errorOf(client.detect(IMAGE));
  expect(error).toMatchObject({
    code: 'IMAGE_TOO_LARGE',
    status: 413,
    message: 'The message of IMAGE_TOO_LARGE.',
    details: { limit: 'pixels', max: 50_000_000 },
    requestId: 'request-1',
  });
  expect(requests).toHaveLength(1);
});

test('a request that is refused for now is repeated after Retry-After', async () => {
  let refusals = 2;
  const { client, retries } = clientOf((request) => {
    refusals -= 1;
    return refusals < 0
      ? found(request)
      : problem('OVERLOADED', { retryAfterSeconds: refusals === 0 ? 0 : 1 });
  });
  await client.detect(IMAGE);
  expect(retries.map(({ code }) => code)).toEqual(['OVERLOADED', 'OVERLOADED']);
  expect(retries[0]?.delayMs).toBeGreaterThanOrEqual(1000);
});

test('a connection that fails is tried again, and its error says where', async () => {
  const { client, requests } = clientOf(
    () => {
      throw new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') });
    },
    { retries: 2 },
  );
  const error = await errorOf(client.health());
  expect(error.code).toBe('CONNECTION_FAILED');
  expect(error.message).toBe('No response from http://service.test: connect ECONNREFUSED.');
  expect(requests).toHaveLength(3);
});

test('a response that breaks off is requested again', async () => {
  let responses = 0;
  const { client } = clientOf(() => {
    responses += 1;
    if (responses > 1) return new Response(featureFile(1));
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new Uint8Array(10));
        controller.error(new TypeError('terminated'));
      },
    });
    return new Response(body);
  });
  expect((await client.features(IMAGE)).count).toBe(1);
});

test('a page of a proxy is no result, and is repeated where its status says so', async () => {
  const page = (status: number) => new Response('<h1>nginx</h1>', { status });
  const { client, requests } = clientOf(() => page(502), { retries: 1 });
  expect(await errorOf(client.stats())).toMatchObject({ code: 'UNEXPECTED_RESPONSE', status: 502 });
  expect(requests).toHaveLength(2);
  const other = clientOf(() => page(200));
  expect((await errorOf(other.client.stats())).code).toBe('UNEXPECTED_RESPONSE');
  expect(other.requests).toHaveLength(1);
});

test('an attempt that takes too long is repeated, and the caller ends the whole with a signal', async () => {
  const silent: Handler = ({ signal }) =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
    });
  const { client, requests } = clientOf(silent, { timeoutMs: 20, retries: 1 });
  expect((await errorOf(client.detect(HASH))).code).toBe('TIMED_OUT');
  expect(requests).toHaveLength(2);

  const controller = new AbortController();
  const call = clientOf(silent).client.detect(HASH, {}, { signal: controller.signal });
  controller.abort(new Error('changed my mind'));
  await expect(call).rejects.toThrow('changed my mind');
});

test('the progress of an upload is reported, and the bytes arrive as they are', async () => {
  const image = crypto.getRandomValues(new Uint8Array(65_536)).slice(0, 65_000);
  const { client, requests } = clientOf(unknownImage);
  const loaded: number[] = [];
  await client.detect(
    image,
    {},
    {
      onUploadProgress: (progress) => {
        expect(progress.total).toBe(image.length);
        loaded.push(progress.loaded);
      },
    },
  );
  expect(requests[1]?.body).toEqual(image);
  expect(loaded.at(-1)).toBe(image.length);
  expect(loaded).toEqual([...loaded].sort((a, b) => a - b));
});

test('a service that is unhealthy is a result', async () => {
  const { client, requests } = clientOf(() => Response.json({ status: 'unhealthy' }, { status: 503 }));
  await expect(client.health()).resolves.toEqual({ status: 'unhealthy' });
  expect(requests).toHaveLength(1);
});

test('a batch gives every result or error with its image, works on so many at a time, and stops for none', async () => {
  const images = Array.from({ length: 12 }, (_, index) => new TextEncoder().encode(`image ${index}`));
  let running = 0;
  let most = 0;
  const { client } = clientOf(async (request) => {
    if (request.method === 'GET') return problem('FEATURES_NOT_CACHED');
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setTimeout(resolve, 2));
    running -= 1;
    const text = new TextDecoder().decode(request.body);
    return text === 'image 5'
      ? problem('INVALID_IMAGE')
      : Response.json({ keypoints: Number(text.slice(6)) });
  });
  const items = [];
  for await (const item of client.batch(images, {}, { concurrency: 3 })) items.push(item);
  items.sort((a, b) => a.index - b.index);
  expect(items.map(({ index, image }) => [index, image])).toEqual([...images.entries()]);
  expect(items.map(({ result, error }) => result?.keypoints ?? error?.code)).toEqual([
    ...[0, 1, 2, 3, 4],
    'INVALID_IMAGE',
    ...[6, 7, 8, 9, 10, 11],
  ]);
  expect(most).toBe(3);
});

test('leaving a batch ends what is running', async () => {
  const signals: AbortSignal[] = [];
  const { client } = clientOf(({ signal, path }) => {
    if (path.endsWith(HASH)) return Response.json({ keypoints: 0 });
    signals.push(signal);
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  });
  for await (const { result } of client.batch(
    [IMAGE, new Uint8Array(1), new Uint8Array(2)],
    {},
    { concurrency: 2 },
  )) {
    expect(result).toBeDefined();
    break;
  }
  expect(signals.every(({ aborted }) => aborted)).toBe(true);
});

test('a match sends hashes, and the images only where they are not cached', async () => {
  const other = new TextEncoder().encode('another image');
  let isCached = true;
  const { client, requests } = clientOf((request) => {
    if (isCached) return found(request);
    isCached = true;
    return problem('FEATURES_NOT_CACHED', { details: { field: 'image1' } });
  });
  await client.match(IMAGE, other, { model: 'fundamental' });
  isCached = false;
  await client.match(IMAGE, other);
  const forms = await Promise.all(
    requests.map(({ body, headers }) => new Response(body, { headers }).formData()),
  );
  expect(requests[0]?.query).toEqual({ model: 'fundamental' });
  expect(forms.map((form) => form.get('image1')).slice(0, 2)).toEqual([HASH, HASH]);
  expect(forms[0]?.get('image2')).toBe(sha256Of(other));
  const sent = forms[2]?.get('image2');
  expect(sent instanceof Blob && (await sent.text())).toBe('another image');
});

test('cached keys are listed and cleared page by page, and keep the slashes of their path', async () => {
  const { client, requests } = clientOf(({ query, method }) => {
    const cursor = query.cursor === '0' ? '7' : null;
    return Response.json(
      method === 'DELETE' ? { deleted_keys: 2, cursor } : { keys: [{ key: `k${query.cursor}` }], cursor },
    );
  });
  const keys = [];
  for await (const { key } of client.cache.list('*/abc')) keys.push(key);
  expect(keys).toEqual(['k0', 'k7']);
  expect(await client.cache.clear('*')).toBe(4);
  await client.cache.inspect('edgesift@1/n0 l3/abc');
  expect(requests.at(-1)?.path).toBe('/api/v1/cache/keys/edgesift%401/n0%20l3/abc');
});

test('a job is created once, unless it was refused, and followed until it has ended', async () => {
  const source = { prefix: '/images/' };
  const failing = clientOf(() => {
    throw new TypeError('fetch failed');
  });
  expect((await errorOf(failing.client.jobs.create({ source, output: '/out/' }))).code).toBe(
    'CONNECTION_FAILED',
  );
  expect(failing.requests).toHaveLength(1);

  let refusals = 1;
  const { client, requests } = clientOf(({ method }) => {
    if (method === 'POST') {
      refusals -= 1;
      return refusals < 0
        ? Response.json({ id: 'job-1' })
        : problem('RATE_LIMITED', { retryAfterSeconds: 0 });
    }
    return Response.json({ id: 'job-1', state: 'completed' });
  });
  await expect(client.jobs.create({ source, output: '/out/' })).resolves.toEqual({ id: 'job-1' });
  expect(requests).toHaveLength(2);
  const states = [];
  for await (const { state } of client.jobs.follow('job-1')) states.push(state);
  expect(states).toEqual(['completed']);
});
