import { createHash, randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { decodePayload, rootSiftPayload } from '../../shared/features/payload.ts';
import {
  DETECT,
  imageForm,
  postImage,
  readCompleteDetection,
  readDetection,
  readKeypointsDetection,
  readProblem,
} from '../fixtures/edge-client.ts';
import { completedExtractions, type EdgeStack, startEdgeStack } from '../fixtures/edge-stack.ts';
import { flatImage, newImage, ownImage } from '../fixtures/images.ts';
import { joinBytes } from '../fixtures/join-bytes.ts';
import { headOf, rawExchange } from '../fixtures/raw-http.ts';
import { steadyUpload } from '../fixtures/steady-upload.ts';
import { inThorough, isShownOn } from '../fixtures/thorough.ts';
import { until } from '../fixtures/until.ts';

const runtime = inject('runtime');
/** Its own entry in front of the Worker fails with a Host that is no host, and with many large uploads at once. */
const isMiniflare = runtime === 'miniflare';
/** What is much work is shown on one runtime. */
const isWanted = isShownOn(runtime);

const SAFETENSORS = { Accept: 'application/vnd.safetensors' };

/** What a client sees of the edge, the same on every runtime. */
describe(`the edge on ${runtime}`, () => {
  let stack: EdgeStack;
  beforeAll(async () => {
    // Ample time for Redis, so that a busy machine makes no misses of hits.
    stack = await startEdgeStack({ runtime, edgeEnvironment: { REDIS_TIMEOUT_MS: '3000' } });
  });
  afterAll(() => stack?.stop());

  describe('detect', () => {
    test('responds with the summary of real features, and says where the time went', async () => {
      const image = ownImage('png-rgb.png');
      const response = await postImage(stack.url, image);
      const detection = await readDetection(response);
      const sha256 = createHash('sha256').update(image).digest('hex');
      expect(detection.keypoints).toBeGreaterThan(0);
      expect(detection).toMatchObject({
        descriptors_shape: [detection.keypoints, 128],
        cached: false,
        image: { sha256, format: 'png', bytes: image.length },
        cache: { tier: null, ttl_s: expect.any(Number) },
        request_id: response.headers.get('x-request-id'),
      });
      expect(response.headers.get('x-cache')).toBe('MISS');
      const phases = (response.headers.get('server-timing') ?? '')
        .split(', ')
        .map((phase) => phase.split(';')[0]);
      expect(phases).toEqual(['validate', 'hash', 'cache', 'origin', 'queue', 'decode', 'sift']);
      expect(Number(response.headers.get('x-processing-time-ms'))).toBeGreaterThanOrEqual(0);
    });

    test('responds the second time from memory, without asking the origin', async () => {
      const image = await newImage();
      const first = await readDetection(await postImage(stack.url, image));
      const extractions = await completedExtractions(stack.origin);
      const response = await postImage(stack.url, image);
      const second = await readDetection(response);
      expect(first.cached).toBe(false);
      expect(second).toMatchObject({ cached: true, cache: { tier: 'memory' }, keypoints: first.keypoints });
      expect(response.headers.get('x-cache')).toBe('HIT memory');
      expect(await completedExtractions(stack.origin)).toBe(extractions);
    });

    test('still has the result after a restart of the edge: summary and payload from Redis', async () => {
      const image = await newImage();
      const first = await postImage(stack.url, image, { headers: SAFETENSORS });
      const payload = new Uint8Array(await first.arrayBuffer());
      await untilCachedInRedis(stack, image);
      const extractions = await completedExtractions(stack.origin);
      await stack.restartEdge();
      const summary = await readDetection(await postImage(stack.url, image));
      expect(summary).toMatchObject({ cached: true, cache: { tier: 'redis' } });
      const again = await postImage(stack.url, image, { headers: SAFETENSORS });
      expect(again.headers.get('x-cache')).toBe('HIT redis');
      expect(new Uint8Array(await again.arrayBuffer())).toEqual(payload);
      expect(await completedExtractions(stack.origin)).toBe(extractions);
    });

    test.runIf(isWanted)(
      inThorough('a payload too large for one request to Redis comes back whole', isWanted),
      async () => {
        const image = await newImage(1_100, 1_000);
        const first = await postImage(stack.url, image, { headers: SAFETENSORS });
        const payload = new Uint8Array(await first.arrayBuffer());
        expect(payload.length).toBeGreaterThan(6 * 1024 * 1024);
        await untilCachedInRedis(stack, image);
        await stack.restartEdge();
        const again = await postImage(stack.url, image, { headers: SAFETENSORS });
        expect(again.headers.get('x-cache')).toBe('HIT redis');
        expect(Buffer.compare(new Uint8Array(await again.arrayBuffer()), payload)).toBe(0);
      },
    );

    test('gives keypoints and descriptors as JSON equal to those of the safetensors file', async () => {
      const image = ownImage('png-rgb.png');
      const json = await readCompleteDetection(await postImage(stack.url, image, { query: '?include=all' }));
      const response = await postImage(stack.url, image, { headers: SAFETENSORS });
      expect(response.headers.get('content-type')).toBe('application/vnd.safetensors');
      const { features, metadata } = decodePayload(new Uint8Array(await response.arrayBuffer()));
      expect(json.keypoints).toBe(features.count);
      expect(json.x).toEqual(Array.from({ length: features.count }, (_, index) => features.xy[2 * index]));
      expect(json.y).toEqual(
        Array.from({ length: features.count }, (_, index) => features.xy[2 * index + 1]),
      );
      expect(json.size).toEqual([...features.size]);
      expect(json.angle).toEqual([...features.angle]);
      expect(json.response).toEqual([...features.response]);
      expect(json.descriptors.flat()).toEqual([...features.descriptors]);
      expect(json.image).toEqual(metadata.image);
    });

    test('orders keypoints by response, strongest first', async () => {
      const image = ownImage('png-rgb.png');
      const { response } = await readCompleteDetection(
        await postImage(stack.url, image, { query: '?include=all' }),
      );
      expect(response).toEqual(response.toSorted((one, other) => other - one));
    });

    test('takes parameters from the query or the form; each set is a result of its own', async () => {
      const image = ownImage('png-rgb.png');
      const all = await readDetection(await postImage(stack.url, image));
      const fewer = await readDetection(await postImage(stack.url, image, { query: '?nfeatures=10' }));
      const body = imageForm(image, { fields: { nfeatures: '10', include: 'keypoints' } });
      const fromForm = await readKeypointsDetection(
        await fetch(stack.url + DETECT, { method: 'POST', body }),
      );
      expect(all.keypoints).toBeGreaterThan(10);
      expect(fewer.keypoints).toBe(10);
      expect(fewer.extractor.parameters.nfeatures).toBe(10);
      expect(fewer.cache.key).not.toBe(all.cache.key);
      expect(fromForm).toMatchObject({ keypoints: 10, cached: true, cache: { key: fewer.cache.key } });
      expect(fromForm.x.length).toBe(10);
    });

    test('gives RootSIFT as a view of the same result', async () => {
      const image = ownImage('png-rgb.png');
      const plain = await postImage(stack.url, image, { headers: SAFETENSORS });
      const rooted = await postImage(stack.url, image, {
        query: '?root_sift=true',
        headers: SAFETENSORS,
      });
      expect(rooted.headers.get('x-cache')).toBe('HIT memory');
      const payload = decodePayload(new Uint8Array(await plain.arrayBuffer()));
      expect(new Uint8Array(await rooted.arrayBuffer())).toEqual(joinBytes(rootSiftPayload(payload)));
      const json = await readCompleteDetection(
        await postImage(stack.url, image, { query: '?root_sift=true&include=all' }),
      );
      for (const row of json.descriptors) {
        expect(row.reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(1, 4);
      }
    });

    test('denoises before it extracts, under a key of its own', async () => {
      const image = ownImage('jpeg-420.jpg');
      const plain = await readDetection(await postImage(stack.url, image));
      const query = '?denoise=true&denoise_h=10&denoise_search_window_size=9';
      const response = await postImage(stack.url, image, { query });
      const denoised = await readDetection(response);
      const denoising = { h: 10, h_color: 3, template_window_size: 7, search_window_size: 9 };
      expect(denoised.extractor.parameters).toEqual({ ...plain.extractor.parameters, denoising });
      expect(denoised.cache.key).not.toBe(plain.cache.key);
      expect(denoised.keypoints).not.toBe(plain.keypoints);
      expect(response.headers.get('server-timing')).toMatch(/decode;.*denoise;dur=.*sift;/);
      const again = await readDetection(await fetch(stack.url + denoised.links.self));
      expect(again).toMatchObject({ cached: true, cache: { key: denoised.cache.key } });
      // Without denoise=true its parameters mean nothing.
      const same = await postImage(stack.url, image, { query: '?denoise_h=10' });
      expect(await readDetection(same)).toMatchObject({ cached: true, cache: { key: plain.cache.key } });
    });

    test.runIf(isWanted)(
      inThorough(
        'denoising that would take minutes is refused, with the number of pixels it takes',
        isWanted,
      ),
      async () => {
        const image = await flatImage(4_000, 3_000);
        const problem = await readProblem(await postImage(stack.url, image, { query: '?denoise=true' }));
        expect(problem).toMatchObject({ status: 413, error_code: 'IMAGE_TOO_LARGE' });
        expect(problem.details).toMatchObject({ limit: 'denoising', max: 3_239_390, actual: 12_000_000 });
        const windows = '&denoise_template_window_size=3&denoise_search_window_size=3';
        const small = await postImage(stack.url, image, { query: `?denoise=true${windows}` });
        expect((await readDetection(small)).keypoints).toBe(0);
      },
    );

    test("accepts the field 'file', raw image bodies, and bodies of unannounced length", async () => {
      const image = ownImage('png-rgb.png');
      const asFile = await fetch(stack.url + DETECT, {
        method: 'POST',
        body: imageForm(image, { field: 'file' }),
      });
      const raw = await fetch(stack.url + DETECT, {
        method: 'POST',
        body: image,
        headers: { 'content-type': 'image/png' },
      });
      const streamed = await fetch(stack.url + DETECT, {
        method: 'POST',
        body: new Blob([image]).stream(),
        headers: { 'content-type': 'image/png' },
        duplex: 'half',
      });
      const detections = await Promise.all([asFile, raw, streamed].map(readDetection));
      expect(new Set(detections.map((detection) => detection.cache.key)).size).toBe(1);
    });

    test('reads every format', async () => {
      const names = ['jpeg-grey.jpg', 'png-rgb.png', 'bmp-24.bmp', 'tiff-rgb-lzw.tif', 'webp-lossy.webp'];
      const detections = await Promise.all(
        names.map(async (fileName) =>
          readDetection(await postImage(stack.url, ownImage(fileName), { fileName })),
        ),
      );
      expect(detections.map((detection) => detection.image.format)).toEqual([
        'jpeg',
        'png',
        'bmp',
        'tiff',
        'webp',
      ]);
    });

    test('an image without features has none, cached like any other', async () => {
      const image = await flatImage(64, 48);
      for (const cached of [false, true]) {
        const detection = await readCompleteDetection(
          await postImage(stack.url, image, { query: '?include=all' }),
        );
        expect(detection).toMatchObject({
          keypoints: 0,
          descriptors_shape: [0, 128],
          x: [],
          descriptors: [],
          cached,
        });
      }
    });

    test('200 identical uploads at once: all get a response, one extraction', async () => {
      const image = await newImage(400, 300);
      const before = await completedExtractions(stack.origin);
      const responses = await Promise.all(Array.from({ length: 200 }, () => postImage(stack.url, image)));
      const detections = await Promise.all(responses.map(readDetection));
      expect(new Set(detections.map((detection) => detection.keypoints)).size).toBe(1);
      expect(await completedExtractions(stack.origin)).toBe(before + 1);
    });
  });

  describe('uploads', () => {
    test.skipIf(isMiniflare || !isWanted)(
      inThorough(
        '200 identical large ones at once, twenty times the memory for uploads: all wait their turn',
        isWanted || isMiniflare,
      ),
      async () => {
        const image = await flatImage(1_000, 800, { compressionLevel: 0 });
        expect(image.length).toBeGreaterThan(2_000_000);
        const form = new Request(stack.url, { method: 'POST', body: imageForm(image) });
        const headers = { 'content-type': form.headers.get('content-type') ?? '' };
        const body = new Uint8Array(await form.arrayBuffer());
        const uploads = Array.from({ length: 200 }, () =>
          steadyUpload(stack.url + DETECT, { body, headers }),
        );
        const outcomes = await Promise.all(uploads);
        expect(outcomes.filter(({ status }) => status !== 200)).toEqual([]);
      },
      180_000,
    );

    test.each([9_000_000, 99_000_000, 1e15])(
      'one that announces %i bytes and stalls holds up nobody',
      async (length) => {
        const sockets = await Promise.all(
          Array.from({ length: 60 }, () => beginUpload(stack.url, `Content-Length: ${length}`)),
        );
        const detection = await readDetection(await postImage(stack.url, await newImage()));
        expect(detection.success).toBe(true);
        for (const socket of sockets) socket.destroy();
      },
    );

    test('a form with an absurd number of fields, or with endless part headers, is refused', async () => {
      const fields = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`field${index}`, '1']));
      const many = imageForm(ownImage('png-rgb.png'), { fields });
      const headers = { 'content-type': 'multipart/form-data; boundary=x' };
      const long = `--x\r\nContent-Disposition: form-data; name="image"; filename="${'a'.repeat(60_000)}.png"\r\n\r\n\r\n--x--`;
      for (const init of [{ body: many }, { body: long, headers }]) {
        const problem = await readProblem(await fetch(stack.url + DETECT, { method: 'POST', ...init }));
        expect(problem).toMatchObject({ status: 400, error_code: 'INVALID_PARAMETER' });
      }
    });

    test('an oversized trace header is not passed on, and does not count against the origin', async () => {
      for (let upload = 0; upload < 6; upload += 1) {
        const headers = { traceparent: 'x'.repeat(12_000) };
        expect((await postImage(stack.url, await newImage(), { headers })).status).toBe(200);
      }
    });
  });

  describe('features by hash', () => {
    test('404 before the upload, then 200 with the same content, HEAD, and 304', async () => {
      const image = await newImage();
      const url = `${stack.url}/api/v1/features/${createHash('sha256').update(image).digest('hex')}`;
      const missing = await readProblem(await fetch(url));
      expect(missing).toMatchObject({ status: 404, error_code: 'FEATURES_NOT_CACHED' });
      const posted = await postImage(stack.url, image, { headers: SAFETENSORS });
      const payload = new Uint8Array(await posted.arrayBuffer());

      const found = await fetch(url, { headers: SAFETENSORS });
      expect(found.status).toBe(200);
      expect(new Uint8Array(await found.arrayBuffer())).toEqual(payload);
      expect(found.headers.get('cache-control')).toContain('immutable');
      expect(found.headers.get('vary')).toContain('Accept');
      const etag = found.headers.get('etag') ?? '';
      expect(etag).toMatch(/^"[^"]+"$/);
      expect(etag).toBe(posted.headers.get('etag'));

      const head = await fetch(url, { method: 'HEAD', headers: SAFETENSORS });
      expect([head.status, head.headers.get('etag'), await head.text()]).toEqual([200, etag, '']);
      const unchanged = await fetch(url, { headers: { ...SAFETENSORS, 'If-None-Match': `"x", ${etag}` } });
      expect([unchanged.status, unchanged.headers.get('etag'), await unchanged.text()]).toEqual([
        304,
        etag,
        '',
      ]);
      const otherView = await fetch(url, { headers: { 'If-None-Match': etag } });
      expect(otherView.status).toBe(200);
      expect((await readDetection(otherView)).cached).toBe(true);
    });

    test('the links of a response lead to the same result', async () => {
      const posted = await readDetection(
        await postImage(stack.url, await newImage(), { query: '?sigma=1.7&nfeatures=20' }),
      );
      const self = await readDetection(await fetch(stack.url + posted.links.self));
      const file = await fetch(stack.url + posted.links.safetensors);
      expect(self.cache.key).toBe(posted.cache.key);
      expect(decodePayload(new Uint8Array(await file.arrayBuffer())).features.count).toBe(posted.keypoints);
    });

    test('a path that is no hash, and a parameter that does not exist, are refused', async () => {
      for (const path of ['xyz', 'a'.repeat(63), `${'a'.repeat(64)}?size=1`]) {
        const problem = await readProblem(await fetch(`${stack.url}/api/v1/features/${path}`));
        expect(problem).toMatchObject({ status: 400, error_code: 'INVALID_PARAMETER' });
      }
    });
  });

  describe('bad input', () => {
    const expectProblem = async (response: Response, status: number, code: string) => {
      const problem = await readProblem(response);
      expect({ status: problem.status, code: problem.error_code }).toEqual({ status, code });
      expect(JSON.stringify(problem)).not.toMatch(
        /\/[a-z]+\/[a-z]+\.(ts|js)|node_modules|0x[0-9a-f]{6}|127\.0\.0\.1|vips|at async/i,
      );
      return problem;
    };
    const text = (content: string) => new TextEncoder().encode(content);

    test.each([
      ['an empty file', 400, 'INVALID_IMAGE', () => new Uint8Array()],
      ['random bytes', 400, 'INVALID_IMAGE', () => new Uint8Array(randomBytes(5_000))],
      ['text', 400, 'INVALID_IMAGE', () => text('this is no image')],
      ['a GIF', 400, 'INVALID_IMAGE', () => text('GIF89a\x10\x00\x10\x00\x00\x00\x00;')],
      ['a PNG header and nothing else', 422, 'IMAGE_READ_ERROR', () => ownImage('png-rgb.png').slice(0, 60)],
      ['half a PNG', 422, 'IMAGE_READ_ERROR', () => half(ownImage('png-rgb.png'))],
      ['half a JPEG', 422, 'IMAGE_READ_ERROR', () => half(ownImage('jpeg-progressive.jpg'))],
      ['11 MiB', 413, 'IMAGE_TOO_LARGE', () => new Uint8Array(11 * 1024 * 1024)],
    ])('%s: %i %s', async (_, status, code, make) => {
      await expectProblem(await postImage(stack.url, make()), status, code);
    });

    test('11 MiB, raw and of unannounced length: IMAGE_TOO_LARGE', async () => {
      const bytes = new Uint8Array(11 * 1024 * 1024);
      const headers = { 'content-type': 'image/png' };
      const raw = await fetch(stack.url + DETECT, { method: 'POST', body: bytes, headers });
      await expectProblem(raw, 413, 'IMAGE_TOO_LARGE');
      const body = new Blob([bytes]).stream();
      const streamed = await fetch(stack.url + DETECT, { method: 'POST', body, headers, duplex: 'half' });
      await expectProblem(streamed, 413, 'IMAGE_TOO_LARGE');
    });

    test.each([12_000, 20_000])(
      'a small PNG of %i × itself: IMAGE_TOO_LARGE by pixels, origin not asked',
      async (side) => {
        const bytes = pngHeaderOf(ownImage('png-rgb.png'), side, side);
        const before = await completedExtractions(stack.origin);
        const problem = await expectProblem(await postImage(stack.url, bytes), 413, 'IMAGE_TOO_LARGE');
        expect(problem.details).toMatchObject({ limit: 'pixels', actual: side * side });
        expect(await completedExtractions(stack.origin)).toBe(before);
      },
    );

    test('the content decides, not the file name', async () => {
      const sha256s = ['photo.jfif', 'IMG_1.HEIC', 'upload.tmp', 'image', 'image.gif'].map(
        async (fileName) => {
          const response = await postImage(stack.url, ownImage('jpeg-420.jpg'), { fileName });
          const { image } = await readDetection(response);
          return [image.format, image.sha256].join();
        },
      );
      expect(new Set(await Promise.all(sha256s)).size).toBe(1);
    });

    test('a form without an image, with text for an image, with two images, with a stray file', async () => {
      const image = ownImage('png-rgb.png');
      const none = new FormData();
      none.append('nfeatures', '5');
      const textual = new FormData();
      textual.append('image', 'not a file');
      const two = imageForm(image);
      two.append('image', new File([image], 'b.png'));
      const stray = imageForm(image);
      stray.append('other', new File([image], 'b.png'));
      for (const body of [none, textual, two, stray]) {
        const response = await fetch(stack.url + DETECT, { method: 'POST', body });
        await expectProblem(response, 400, 'INVALID_PARAMETER');
      }
    });

    test('bodies of other media types, or none', async () => {
      for (const type of [
        'application/json',
        'text/plain',
        'application/octet-stream',
        'application/x-www-form-urlencoded',
      ]) {
        const headers = { 'content-type': type };
        const response = await fetch(stack.url + DETECT, {
          method: 'POST',
          body: '{"image": "x"}',
          headers,
        });
        await expectProblem(response, 415, 'UNSUPPORTED_MEDIA_TYPE');
      }
      await expectProblem(await fetch(stack.url + DETECT, { method: 'POST' }), 415, 'UNSUPPORTED_MEDIA_TYPE');
    });

    test('a malformed multipart body', async () => {
      for (const type of ['multipart/form-data', 'multipart/form-data; boundary=x']) {
        const headers = { 'content-type': type };
        const response = await fetch(stack.url + DETECT, { method: 'POST', body: 'no parts', headers });
        await expectProblem(response, 400, 'INVALID_PARAMETER');
      }
    });

    test.each([
      'colour=1',
      'nfeatures=-1',
      'sigma=huge',
      'include=everything',
      'sigma=1&sigma=2',
      'format=xml',
    ])('parameter %s', async (query) => {
      const response = await postImage(stack.url, ownImage('png-rgb.png'), { query: `?${query}` });
      const problem = await expectProblem(response, 400, 'INVALID_PARAMETER');
      expect(problem.details.parameter).toBe(query.split('=')[0]);
    });

    test.skipIf(isMiniflare)('a Host that is no host plays no part', async () => {
      const path = `/api/v1/features/${'a'.repeat(64)}?sigma=1.7`;
      const head = headOf('GET', path, { host: 'local host:x', connection: 'close' });
      expect(await rawExchange(stack, head)).toMatch(/^HTTP\/1\.1 404 .*"error_code":"FEATURES_NOT_CACHED"/s);
    });

    test('paths and methods that do not exist', async () => {
      await expectProblem(await fetch(`${stack.url}/nothing`), 404, 'NOT_FOUND');
      await expectProblem(await fetch(stack.url + DETECT, { method: 'PUT' }), 405, 'METHOD_NOT_ALLOWED');
    });

    test('is not cached: a mended upload of the same name works', async () => {
      const image = await newImage();
      await expectProblem(await postImage(stack.url, half(image)), 422, 'IMAGE_READ_ERROR');
      expect((await readDetection(await postImage(stack.url, image))).keypoints).toBeGreaterThan(0);
    });

    test('an upload that breaks off leaves the service well', async () => {
      const socket = await beginUpload(stack.url, 'Content-Length: 100000');
      socket.destroy();
      expect((await readDetection(await postImage(stack.url, await newImage()))).success).toBe(true);
    });
  });

  describe('request id', () => {
    test('a safe one is kept, any other is replaced', async () => {
      const idOf = async (id: string) => {
        const response = await fetch(`${stack.url}/health/live`, { headers: { 'x-request-id': id } });
        return response.headers.get('x-request-id');
      };
      expect(await idOf('Order-4711_a.b')).toBe('Order-4711_a.b');
      for (const unsafe of ['a b', '<script>', 'x'.repeat(129)]) {
        expect(await idOf(unsafe)).toMatch(/^[0-9a-f-]{36}$/);
      }
    });
  });

  describe('health', () => {
    test('says that all is well', async () => {
      const response = await fetch(`${stack.url}/health`);
      expect(response.status).toBe(200);
      expect(await response.json()).toEqual({
        status: 'healthy',
        service: 'edgesift',
        version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
        feature_detector_ready: true,
        cache_connected: true,
        uptime_seconds: expect.any(Number),
      });
      expect((await fetch(`${stack.url}/health/ready`)).status).toBe(200);
      expect((await fetch(`${stack.url}/health/live`)).status).toBe(200);
    });
  });
});

/** Sends the head and the first bytes of an upload, and then nothing. */
async function beginUpload(url: string, header: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname).on('error', () => undefined);
  socket.write(`POST ${DETECT} HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n${header}\r\n\r\n\x89PNG`);
  await setTimeout(100);
  return socket;
}

/** The write to Redis happens after the response. */
async function untilCachedInRedis({ redis }: EdgeStack, image: Uint8Array): Promise<void> {
  const client = new Redis(redis.url);
  const sha256 = createHash('sha256').update(image).digest('hex');
  await until('the result is in Redis', async () => (await client.keys(`*${sha256}:summary`)).length > 0);
  client.disconnect();
}

function half(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return bytes.slice(0, bytes.length / 2);
}

/** A PNG whose header claims another size. */
function pngHeaderOf(png: Uint8Array<ArrayBuffer>, width: number, height: number): Uint8Array<ArrayBuffer> {
  const view = new DataView(png.buffer);
  view.setUint32(16, width);
  view.setUint32(20, height);
  return png;
}
