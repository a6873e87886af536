import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import * as z from 'zod';
import {
  batchProblemLineSchema,
  batchResponseLineSchema,
  batchSummaryLineSchema,
  MAX_BATCH_IMAGES,
} from '../../shared/contract/batch.ts';
import { descriptorRowsSchema, keypointColumnsSchema } from '../../shared/contract/responses.ts';
import { statsResponseSchema } from '../../shared/contract/stats.ts';
import { postImage, readDetection, readProblem } from '../fixtures/edge-client.ts';
import { completedExtractions, type EdgeStack, startEdgeStack } from '../fixtures/edge-stack.ts';
import { flatImage, newImage, ownImage } from '../fixtures/images.ts';
import { readMetric } from '../fixtures/prometheus.ts';
import { inThorough, isShownOn } from '../fixtures/thorough.ts';
import { until } from '../fixtures/until.ts';

const runtime = inject('runtime');
const isWanted = isShownOn(runtime);

const BATCH = '/api/v1/features/batch';
const ENDPOINT = `POST ${BATCH}`;

type Image = Uint8Array<ArrayBuffer>;

const completeLineSchema = z.strictObject({
  ...batchResponseLineSchema.shape,
  ...keypointColumnsSchema.shape,
  ...descriptorRowsSchema.shape,
});
const lineSchema = z.union([
  batchResponseLineSchema.strict(),
  batchProblemLineSchema.strict(),
  completeLineSchema,
]);

function batchForm(images: Image[], fields: Record<string, string> = {}): FormData {
  const form = new FormData();
  for (const [index, image] of images.entries()) {
    form.append('images', new File([image], `${index}.png`));
  }
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  return form;
}

function postBatch(url: string, body: FormData, query = '', headers: Record<string, string> = {}) {
  return fetch(url + BATCH + query, { method: 'POST', body, headers: { connection: 'close', ...headers } });
}

/** Checks a whole response against the contract; image lines by index. */
async function readBatch(response: Response) {
  const text = await response.text();
  if (response.status !== 200) throw new Error(`status ${response.status}: ${text}`);
  expect(response.headers.get('content-type')).toBe('application/x-ndjson');
  expect(text.endsWith('\n')).toBe(true);
  const documents: unknown[] = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const { summary } = batchSummaryLineSchema.strict().parse(documents.pop());
  const lines = documents.map((document) => lineSchema.parse(document));
  expect(summary).toMatchObject({
    images: lines.length,
    succeeded: lines.filter(({ success }) => success).length,
    failed: lines.filter(({ success }) => !success).length,
  });
  return { summary, lines: lines.toSorted((one, other) => one.index - other.index) };
}

function outcomesOf(lines: z.infer<typeof lineSchema>[]): (string | null)[] {
  return lines.map((line) => (line.success ? line.cache.tier : line.error_code));
}

/** Many images in one request, the same on every runtime. */
describe.runIf(isWanted)(inThorough(`a batch, with the edge on ${runtime}`, isWanted), () => {
  let stack: EdgeStack;
  beforeAll(async () => {
    stack = await startEdgeStack({ runtime, edgeEnvironment: { REDIS_TIMEOUT_MS: '3000' } });
  });
  afterAll(() => stack?.stop());

  test('gives every image the line that detect would give', async () => {
    const images = ['png-rgb.png', 'jpeg-420.jpg', 'webp-lossy.webp'].map(ownImage);
    const { lines, summary } = await readBatch(await postBatch(stack.url, batchForm(images)));
    expect(summary).toEqual({ images: 3, succeeded: 3, failed: 0, cached: 0 });
    for (const [index, image] of images.entries()) {
      const alone = await readDetection(await postImage(stack.url, image));
      expect(lines[index]).toMatchObject({
        index,
        filename: `${index}.png`,
        keypoints: alone.keypoints,
        image: alone.image,
        extractor: alone.extractor,
        links: alone.links,
        cached: false,
      });
    }
    const again = await readBatch(await postBatch(stack.url, batchForm(images)));
    expect(again.summary.cached).toBe(3);
    expect(outcomesOf(again.lines)).toEqual(['memory', 'memory', 'memory']);
  });

  test('parameters of query and form hold for all of them; include=all brings the arrays', async () => {
    const images = await Promise.all([newImage(), newImage(), flatImage(40, 40)]);
    const form = batchForm(images, { include: 'all' });
    const { lines } = await readBatch(await postBatch(stack.url, form, '?nfeatures=10'));
    const complete = lines.map((line) => completeLineSchema.parse(line));
    expect(complete.map(({ keypoints }) => keypoints)).toEqual([10, 10, 0]);
    expect(complete.map(({ x }) => x.length)).toEqual([10, 10, 0]);
    expect(complete.map(({ descriptors }) => descriptors.length)).toEqual([10, 10, 0]);
  });

  test('bad images fail alone', async () => {
    const good = await newImage();
    const damaged = ownImage('png-rgb.png');
    const form = batchForm([new Uint8Array(5), good, damaged.slice(0, damaged.length / 2)]);
    form.append('images', new File(['GIF89a'], 'image.gif'));
    form.append('images', 'no file');
    const { lines } = await readBatch(await postBatch(stack.url, form));
    expect(outcomesOf(lines)).toEqual([
      'INVALID_IMAGE',
      null,
      'IMAGE_READ_ERROR',
      'INVALID_IMAGE',
      'INVALID_PARAMETER',
    ]);
    expect(lines.map(({ filename }) => filename)).toEqual(['0.png', '1.png', '2.png', 'image.gif', null]);
    const ids = new Set(lines.map(({ request_id }) => request_id));
    expect(ids.size).toBe(1);
  });

  test('lines come as images complete, not when all have', async () => {
    const cached = await newImage();
    await readDetection(await postImage(stack.url, cached));
    stack.origin.pause();
    try {
      const response = await postBatch(stack.url, batchForm([await newImage(), cached]));
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
      const first = await reader?.read();
      expect(JSON.parse(first?.value ?? '')).toMatchObject({ index: 1, cached: true });
      stack.origin.resume();
      let rest = '';
      for (let part = await reader?.read(); part && !part.done; part = await reader?.read())
        rest += part.value;
      expect(rest).toContain('"index":0');
      expect(rest).toContain('"summary"');
    } finally {
      stack.origin.resume();
    }
  });

  test('images with the same bytes are extracted once', async () => {
    const image = await newImage();
    const before = await completedExtractions(stack.origin);
    const { lines } = await readBatch(
      await postBatch(stack.url, batchForm([image, image, image, image, image, image])),
    );
    expect(lines.every(({ success }) => success)).toBe(true);
    expect(await completedExtractions(stack.origin)).toBe(before + 1);
  });

  test('counts as one request, and each image as a look-up', async () => {
    const statsOf = async () =>
      statsResponseSchema.parse(await (await fetch(`${stack.url}/api/v1/stats`)).json());
    const before = await statsOf();
    await readBatch(await postBatch(stack.url, batchForm([await newImage(), await newImage()])));
    await expect
      .poll(async () => {
        const { cache, endpoints } = await statsOf();
        return [
          cache.misses - before.cache.misses,
          (endpoints[ENDPOINT]?.requests ?? 0) - (before.endpoints[ENDPOINT]?.requests ?? 0),
        ];
      })
      .toEqual([2, 1]);
  });

  describe('is refused as a whole', () => {
    const refusal = async (body: FormData, query = '', headers = {}) =>
      readProblem(await postBatch(stack.url, body, query, headers));

    test('without images, with too many, with a stray file', async () => {
      const image = ownImage('png-rgb.png');
      const none = batchForm([], { nfeatures: '5' });
      const many = batchForm(Array.from({ length: MAX_BATCH_IMAGES + 1 }, () => image));
      const absurd = batchForm(Array.from({ length: 200 }, () => image));
      const stray = batchForm([image]);
      stray.append('image', new File([image], 'a.png'));
      for (const body of [none, many, absurd, stray]) {
        expect(await refusal(body)).toMatchObject({ status: 400, error_code: 'INVALID_PARAMETER' });
      }
      expect((await refusal(many)).details).toMatchObject({ max: MAX_BATCH_IMAGES, actual: 33 });
    });

    test('with a parameter that is wrong or that a batch has not', async () => {
      for (const query of ['?sigma=huge', '?format=npz', '?colour=1']) {
        const problem = await refusal(batchForm([ownImage('png-rgb.png')]), query);
        expect(problem).toMatchObject({ status: 400, error_code: 'INVALID_PARAMETER' });
      }
    });

    test('larger than three of the largest images together', async () => {
      const large = new Uint8Array(9 * 1024 * 1024);
      const problem = await refusal(batchForm([large, large, large, large]));
      expect(problem).toMatchObject({ status: 413, error_code: 'IMAGE_TOO_LARGE' });
    });

    test('when the client takes no NDJSON, or sends no form', async () => {
      const form = () => batchForm([ownImage('png-rgb.png')]);
      const problem = await refusal(form(), '', { Accept: 'application/json' });
      expect(problem).toMatchObject({ status: 406, error_code: 'NOT_ACCEPTABLE' });
      expect(problem.details).toEqual({ supported: ['application/x-ndjson'] });
      for (const Accept of ['*/*', 'application/*', 'application/x-ndjson, text/html;q=0.5']) {
        expect((await readBatch(await postBatch(stack.url, form(), '', { Accept }))).lines.length).toBe(1);
      }
      const headers = { 'content-type': 'image/png' };
      const raw = await fetch(stack.url + BATCH, {
        method: 'POST',
        body: ownImage('png-rgb.png'),
        headers,
      });
      expect(await readProblem(raw)).toMatchObject({ status: 415, error_code: 'UNSUPPORTED_MEDIA_TYPE' });
    });

    test('when Content-Digest contradicts the body', async () => {
      const headers = { 'content-digest': `sha-256=:${Buffer.alloc(32).toString('base64')}:` };
      const problem = await refusal(batchForm([ownImage('png-rgb.png')]), '', headers);
      expect(problem.details).toEqual({ parameter: 'Content-Digest' });
    });
  });

  test('a client that leaves: what is queued is dropped, and no further image is begun', async () => {
    await stack.restartEdge();
    const before = await completedExtractions(stack.origin);
    const images = await Promise.all(Array.from({ length: 12 }, () => newImage(700, 600)));
    const client = await sendBatch(stack.url, images);
    // One has its response, so the next ones run or wait at the origin.
    for await (const line of client.lines) if (line.startsWith('{"index"')) break;
    client.socket.resetAndDestroy();
    const idle = async () =>
      (await readMetric(stack.origin, 'jobs_running')) + (await readMetric(stack.origin, 'jobs_queued'));
    await until('the origin is idle', async () => (await idle()) === 0);
    // Nothing follows.
    const completed = await completedExtractions(stack.origin);
    expect(completed - before).toBeLessThan(8);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(await completedExtractions(stack.origin)).toBe(completed);
    expect((await readDetection(await postImage(stack.url, await newImage()))).success).toBe(true);
  });

  test('each image uses units, and those beyond the limit fail alone', async () => {
    await stack.restartEdge({
      RATE_LIMIT: '20',
      RATE_LIMIT_WINDOW_S: '86400',
      RATE_LIMIT_MISS_COST: '8',
    });
    const images = await Promise.all([newImage(), newImage()]);
    await readBatch(await postBatch(stack.url, batchForm(images)));
    const left = async () =>
      (await fetch(`${stack.url}/api/v1/stats`)).headers.get('ratelimit')?.split(';')[1];
    // Two misses at 8, and this request.
    expect(await left()).toBe('r=3');
    const [image = new Uint8Array()] = images;
    const { lines } = await readBatch(
      await postBatch(stack.url, batchForm([image, image, image, image, image])),
    );
    expect(outcomesOf(lines)).toEqual(['memory', 'memory', 'memory', 'RATE_LIMITED', 'RATE_LIMITED']);
    const limited = batchProblemLineSchema.parse(lines[4]);
    expect(limited.details.retry_after_s).toEqual(expect.any(Number));
    expect(await readProblem(await postBatch(stack.url, batchForm(images)))).toMatchObject({
      status: 429,
    });
  });

  test('without an origin, what is cached is served and the rest says ORIGIN_UNAVAILABLE', async () => {
    await stack.restartEdge({ RATE_LIMIT: '0' });
    const cached = await newImage();
    await readDetection(await postImage(stack.url, cached));
    await stack.origin.kill();
    const others = await Promise.all(Array.from({ length: 7 }, () => newImage()));
    const { lines } = await readBatch(await postBatch(stack.url, batchForm([...others, cached])));
    expect(outcomesOf(lines)).toEqual([...others.map(() => 'ORIGIN_UNAVAILABLE'), 'memory']);
  });
});

/** Sends a batch over a bare connection, which can be reset, and gives the lines of the response as they come. */
async function sendBatch(url: string, images: Image[]) {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  const request = new Request(url, { method: 'POST', body: batchForm(images) });
  const body = new Uint8Array(await request.arrayBuffer());
  const type = request.headers.get('content-type');
  socket.write(
    `POST ${BATCH} HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n`,
  );
  socket.write(body);
  return { socket, lines: createInterface({ input: socket }) };
}
