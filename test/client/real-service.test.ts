import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { build } from 'esbuild';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EdgesiftClient } from '../../client/client.ts';
import { EdgesiftError } from '../../client/errors.ts';
import { startBrowser } from '../fixtures/browser.ts';
import { completedExtractions, type EdgeStack, startEdgeStack } from '../fixtures/edge-stack.ts';
import { newImage, ownImage } from '../fixtures/images.ts';

const ENTRY = path.resolve(import.meta.dirname, '../../client/index.ts');

let page: { url: string; stop(): void };
let stack: EdgeStack;
let browser: Browser;
let client: EdgesiftClient;
beforeAll(async () => {
  page = await servePage();
  [stack, browser] = await Promise.all([
    startEdgeStack({ runtime: 'workerd', edgeEnvironment: { CORS_ORIGINS: page.url } }),
    startBrowser(),
  ]);
  client = new EdgesiftClient({ url: stack.url });
});
afterAll(async () => {
  await browser?.close();
  await stack?.stop();
  page?.stop();
});

/** An empty page of another origin that has the client as the module `/edgesift.js`. */
async function servePage(): Promise<typeof page> {
  const { outputFiles } = await build({
    entryPoints: [ENTRY],
    bundle: true,
    format: 'esm',
    write: false,
    logLevel: 'warning',
  });
  const script = outputFiles[0]?.contents ?? new Uint8Array();
  const server = createServer((request, response) => {
    const isScript = request.url === '/edgesift.js';
    response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html');
    response.end(isScript ? script : '<!doctype html><title>test</title>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, stop: () => server.closeAllConnections() ?? server.close() };
}

test('an image is computed once, then found by its hash, as JSON and as arrays', async () => {
  const image = await newImage();
  const before = await completedExtractions(stack.origin);
  const first = await client.detect(image);
  const second = await client.detect(image, { include: 'all' });
  const features = await client.features(image);
  expect([first.cached, second.cached]).toEqual([false, true]);
  expect(features.count).toBe(first.keypoints);
  expect([...features.xy].filter((_, index) => index % 2 === 0)).toEqual(second.x);
  expect([...features.descriptors.slice(0, 128)]).toEqual(second.descriptors[0]);
  expect((await client.file(first.image.sha256, 'colmap')).isCached).toBe(true);
  expect(await completedExtractions(stack.origin)).toBe(before + 1);
});

test('a batch, a match, errors, progress, health and statistics', async () => {
  const images = [ownImage('png-rgb.png'), new TextEncoder().encode('no image'), await newImage()];
  const items = [];
  for await (const { index, result, error } of client.batch(images)) {
    items[index] = error?.code ?? result?.image.format;
  }
  expect(items).toEqual(['png', 'INVALID_IMAGE', 'png']);

  const [image] = images;
  if (!image) throw new Error('no image');
  const { inliers, homography } = await client.match(image, image);
  expect(inliers).toBeGreaterThan(10);
  expect(homography?.matrix[0]?.[0]).toBeCloseTo(1, 3);

  const unknown = client.detect('0'.repeat(64)).catch((error: unknown) => error);
  expect(await unknown).toMatchObject({ code: 'FEATURES_NOT_CACHED', status: 404 });
  expect(await unknown).toBeInstanceOf(EdgesiftError);

  let loaded = 0;
  const big = await newImage(800, 600);
  await client.detect(big, {}, { onUploadProgress: (progress) => (loaded = progress.loaded) });
  expect(loaded).toBe(big.length);

  expect((await client.health()).status).toBe('healthy');
  expect((await client.stats()).requests).toBeGreaterThan(0);
});

test('the same in a browser, on a page of another origin', async () => {
  const tab = await browser.newPage();
  await tab.goto(page.url);
  const image = await newImage(400, 300);
  const result = await tab.evaluate(
    async ({ url, base64 }) => {
      // Not `import()`: the test runner rewrites it.
      const { EdgesiftClient } = await new Function('return import("/edgesift.js")')();
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      const client = new EdgesiftClient({ url });
      const progress: number[] = [];
      const options = { onUploadProgress: ({ loaded }: { loaded: number }) => progress.push(loaded) };
      const first = await client.detect(new Blob([bytes], { type: 'image/png' }), {}, options);
      const { count, descriptors } = await client.features(bytes);
      const error = await client.detect(new Uint8Array(10)).catch((thrown: { code: string }) => thrown.code);
      return { first, count, descriptors: descriptors.length, error, loaded: progress.at(-1) };
    },
    { url: stack.url, base64: Buffer.from(image).toString('base64') },
  );
  expect(result.first.cached).toBe(false);
  expect(result.count).toBe(result.first.keypoints);
  expect(result.descriptors).toBe(128 * result.count);
  expect(result.error).toBe('INVALID_IMAGE');
  expect(result.loaded).toBe(image.length);
  await tab.close();
});
