import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DEFAULT_SIFT_PARAMETERS } from '../../shared/contract/parameters.ts';
import { extractorId } from '../../shared/extractor.ts';
import { decodePayload } from '../../shared/features/payload.ts';
import { ownImage } from '../fixtures/images.ts';
import { type OriginServer, startOriginServer } from '../fixtures/origin-server.ts';
import { readMetric } from '../fixtures/prometheus.ts';
import { postForExtraction } from '../fixtures/signed-request.ts';
import { until } from '../fixtures/until.ts';

let origin: OriginServer;
beforeAll(async () => {
  origin = await startOriginServer({ ORIGIN_THREADS: '2' });
});
afterAll(() => origin.stop());

async function bytesOf(response: Response): Promise<Uint8Array<ArrayBuffer>> {
  expect(response.status, await response.clone().text()).toBe(200);
  return new Uint8Array(await response.arrayBuffer());
}

const sha256Of = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

test.each([
  ['jpeg-444.jpg', 'jpeg'],
  ['png-rgb.png', 'png'],
  ['bmp-24.bmp', 'bmp'],
  ['tiff-rgb.tif', 'tiff'],
  ['webp-lossless.webp', 'webp'],
])('%s comes back as features that name their image, extractor and parameters', async (name, format) => {
  const image = ownImage(name);
  const response = await postForExtraction(origin, image);
  expect(response.headers.get('content-type')).toBe('application/vnd.safetensors');
  const { metadata, features } = decodePayload(await bytesOf(response));
  expect(metadata.image).toMatchObject({ sha256: sha256Of(image), format, bytes: image.length });
  expect(extractorId(metadata.extractor)).toBe(origin.extractor);
  expect(metadata.parameters).toEqual(DEFAULT_SIFT_PARAMETERS);
  expect(features.count).toBeGreaterThan(0);
  expect(features.descriptors.length).toBe(features.count * 128);
});

test('equal requests get equal bytes', async () => {
  const image = ownImage('jpeg-444.jpg');
  const first = await bytesOf(await postForExtraction(origin, image));
  const second = await bytesOf(await postForExtraction(origin, image));
  expect(Buffer.compare(first, second)).toBe(0);
});

test('parameters of the query are those of the extraction', async () => {
  const image = ownImage('jpeg-444.jpg');
  const all = decodePayload(await bytesOf(await postForExtraction(origin, image)));
  const query = '?nfeatures=5&n_octave_layers=4&contrast_threshold=0.03&edge_threshold=12&sigma=1.5';
  const few = decodePayload(await bytesOf(await postForExtraction(origin, image, { query })));
  expect(few.metadata.parameters).toEqual({
    nfeatures: 5,
    n_octave_layers: 4,
    contrast_threshold: 0.03,
    edge_threshold: 12,
    sigma: 1.5,
  });
  expect(few.features.count).toBe(5);
  expect(all.features.count).toBeGreaterThan(5);
});

test('an image without anything to find has zero keypoints, not an error', async () => {
  const query = '?contrast_threshold=1';
  const { features } = decodePayload(
    await bytesOf(await postForExtraction(origin, ownImage('png-rgb.png'), { query })),
  );
  expect(features.count).toBe(0);
});

test('width and height are those after EXIF orientation', async () => {
  const upright = decodePayload(await bytesOf(await postForExtraction(origin, ownImage('jpeg-exif-1.jpg'))));
  const turned = decodePayload(await bytesOf(await postForExtraction(origin, ownImage('jpeg-exif-6.jpg'))));
  const size = ({ metadata: { image } }: typeof upright) => [image.width, image.height];
  expect(size(upright)).not.toEqual(size(turned).slice());
  expect(size(upright)).toEqual(size(turned).reverse());
});

test('the response says how long it waited, decoded and extracted', async () => {
  const response = await postForExtraction(origin, ownImage('png-rgb.png'));
  await response.arrayBuffer();
  expect(response.headers.get('server-timing')).toMatch(
    /^queue;dur=\d+\.\d, decode;dur=\d+\.\d, sift;dur=\d+\.\d$/,
  );
});

test('a request keeps its id, in the response and in the log', async () => {
  const id = 'an-id.of_the-edge';
  const response = await postForExtraction(origin, ownImage('png-rgb.png'), {
    headers: { 'x-request-id': id },
  });
  await response.arrayBuffer();
  expect(response.headers.get('x-request-id')).toBe(id);
  await until('the request is logged', () => origin.log.some((line) => line.includes(id)));
  const line = origin.log.map((text) => JSON.parse(text)).find(({ request_id }) => request_id === id);
  expect(line).toMatchObject({ level: 'info', method: 'POST', path: '/v1/extract', status: 200 });
});

test('an id that is not safe to log is replaced', async () => {
  const response = await postForExtraction(origin, ownImage('png-rgb.png'), {
    headers: { 'x-request-id': 'not {safe}' },
  });
  await response.arrayBuffer();
  expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
});

test('extractions are counted, decoding by format', async () => {
  const before = await readMetric(origin, 'decode_seconds_count{format="webp"}');
  await bytesOf(await postForExtraction(origin, ownImage('webp-lossless.webp')));
  expect(await readMetric(origin, 'decode_seconds_count{format="webp"}')).toBe(before + 1);
  const completed = await readMetric(origin, 'jobs_total{outcome="completed"}');
  expect(await readMetric(origin, 'sift_seconds_count')).toBe(completed);
  expect(await readMetric(origin, 'queue_wait_seconds_count')).toBe(completed);
});
