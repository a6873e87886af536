import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import type { Browser } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EdgesiftClient } from '../../client/client.ts';
import { EdgesiftError } from '../../client/errors.ts';
import { bundleLibrary } from '../../client/packaging/build-package.ts';
import { DENO_BINARY } from '../../tools/set-up/deno.ts';
import { startWorker } from '../../tools/worker/run-worker.ts';
import { startBrowser } from '../fixtures/browser.ts';
import { completedExtractions, type EdgeStack, startEdgeStack } from '../fixtures/edge-stack.ts';
import { newImage, ownImage } from '../fixtures/images.ts';
import type { ClientUse } from './platforms/scenario.ts';

const run = promisify(execFile);
const PLATFORMS = path.join(import.meta.dirname, 'platforms');
/** Rendered hills, and no vehicle. */
const LANDSCAPE = path.resolve(import.meta.dirname, '../../docs/example/mountains.jpg');

/** Has the built client as `index.js`, beside the programs of each platform. */
let folder: string;
let page: { url: string; stop(): void };
let stack: EdgeStack;
let browser: Browser;
let client: EdgesiftClient;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'edgesift-platforms-'));
  cpSync(PLATFORMS, folder, { recursive: true });
  const scenario = path.join(PLATFORMS, 'scenario.ts');
  await Promise.all([
    bundleLibrary(folder),
    build({ entryPoints: [scenario], outdir: folder, format: 'esm', logLevel: 'warning' }),
  ]);
  page = await servePage();
  [stack, browser] = await Promise.all([
    startEdgeStack({
      runtime: 'workerd',
      edgeEnvironment: { CORS_ORIGINS: page.url, REDIS_TIMEOUT_MS: '3000' },
    }),
    startBrowser(),
  ]);
  client = new EdgesiftClient({ url: stack.url });
});
afterAll(async () => {
  await browser?.close();
  await stack?.stop();
  page?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** An empty page of another origin, with the modules of `folder`. */
async function servePage(): Promise<typeof page> {
  const server = createServer(({ url = '/' }, response) => {
    const isScript = url.endsWith('.js');
    response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html');
    response.end(
      isScript ? readFileSync(path.join(folder, path.basename(url))) : '<!doctype html><title>test</title>',
    );
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

function expectUse(use: ClientUse, image: Uint8Array): void {
  expect(use.first.cached).toBe(false);
  expect(use.count).toBe(use.first.keypoints);
  expect(use.descriptors).toBe(128 * use.count);
  expect(use.refused).toBe('INVALID_IMAGE');
  expect(use.batch).toEqual(['cached', 'INVALID_IMAGE']);
  expect(use.inliers).toBeGreaterThan(10);
  expect(use.cached).toEqual([use.first.image.sha256]);
  expect(use.loaded).toBe(image.length);
}

test('the built client in a browser, on a page of another origin', async () => {
  const tab = await browser.newPage();
  await tab.goto(page.url);
  const image = await newImage(400, 300);
  const use = await tab.evaluate(
    async ({ url, base64 }) => {
      // Not `import()`: the test runner rewrites it.
      const load = new Function('name', 'return import(name)');
      const [edgesift, { useClient }] = await Promise.all([load('/index.js'), load('/scenario.js')]);
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      return useClient(edgesift, url, bytes);
    },
    { url: stack.url, base64: Buffer.from(image).toString('base64') },
  );
  expectUse(use, image);
  await tab.close();
});

test('the built client in Deno, which is allowed to use this network alone', async () => {
  const image = await newImage(400, 300);
  const file = path.join(folder, 'deno.png');
  writeFileSync(file, image);
  const flags = ['--no-prompt', '--no-config', '--cached-only', `--allow-net=${new URL(stack.url).host}`];
  const { stdout } = await run(
    DENO_BINARY,
    ['run', ...flags, `--allow-read=${folder}`, path.join(folder, 'deno.js'), stack.url, file],
    { env: { ...process.env, DENO_NO_UPDATE_CHECK: '1' }, timeout: 60_000 },
  );
  expectUse(JSON.parse(stdout), image);
});

test('the built client in a Worker', async () => {
  const image = await newImage(400, 300);
  const served = [path.join(folder, 'worker.capnp')];
  const worker = await startWorker({ port: 0, env: { PATH: process.env.PATH }, served });
  try {
    const url = `${worker.url}/?service=${encodeURIComponent(stack.url)}`;
    const response = await fetch(url, { method: 'POST', body: image });
    const text = await response.text();
    expect(response.status, text).toBe(200);
    expectUse(JSON.parse(text), image);
  } finally {
    await worker.stop();
  }
});

test('a vehicle is classified by upload, by hash, in a box and in a batch, and reported', async () => {
  const image = new Uint8Array(readFileSync(LANDSCAPE));
  const { data } = await client.vehicles.classify(image);
  expect(data.is_vehicle).toBe(false);
  expect(data.predictions.make).toMatchObject({ attribute_name: 'make', predicted_value: 'unknown' });
  expect(data.warnings.map(({ code }) => code)).toContain('no_vehicle');
  const byHash = await client.vehicles.classify(data.image.sha256);
  expect(byHash.data).toMatchObject({ cached: true, vehicle_probability: data.vehicle_probability });

  const inBox = await client.vehicles.classify(image, { box: '10,20,200,150', include: 'explanation' });
  expect(inBox.data).toMatchObject({ box: { x: 10, y: 20, width: 200, height: 150 }, box_source: 'caller' });
  const { columns = 0, rows = 0, values } = inBox.data.explanation ?? {};
  expect(values).toHaveLength(columns * rows);
  expect(inBox.data.thumbnail).toBeUndefined();
  const outside = client.vehicles.classify(image, { box: '9999,0,10,10' });
  await expect(outside).rejects.toMatchObject({ code: 'INVALID_PARAMETER', details: { parameter: 'box' } });
  const unknown = client.vehicles.classify('0'.repeat(64));
  await expect(unknown).rejects.toMatchObject({ code: 'NOT_FOUND' });

  const items = [];
  for await (const { index, result, error } of client.vehicles.classifyBatch([image, new Uint8Array(9)])) {
    items[index] = error?.code ?? result?.data.is_vehicle;
  }
  expect(items).toEqual([false, 'INVALID_IMAGE']);

  const made = await client.vehicles.report(image, { vehicleId: 'landscape', box: '10,20,200,150' });
  expect(made.data.classification_results.box_source).toBe('caller');
  const found = await client.vehicles.findReport('landscape');
  expect(found.data.summary).toBe(made.data.summary);
  expect(await client.vehicles.reportPage(image)).toMatch(/^<!doctype html>/i);
  await expect(client.vehicles.findReport('none')).rejects.toMatchObject({ code: 'REPORT_NOT_FOUND' });

  const models = await client.vehicles.models();
  expect(models.data).toMatchObject({ pipeline_initialized: true, version: data.model_version });
  expect(models.data.models[0]?.labels.make?.length).toBeGreaterThan(40);
});

test('coordinates are those of the upright image, or of the stored pixels', async () => {
  const stored = sharp(await newImage(200, 100)).withMetadata({ orientation: 6 });
  const image = new Uint8Array(await stored.jpeg({ quality: 95 }).toBuffer());
  const upright = await client.features(image);
  const asStored = await client.features(image, { orientation: 'ignore' });
  expect([upright.image.width, upright.image.height]).toEqual([100, 200]);
  expect([asStored.image.width, asStored.image.height]).toEqual([200, 100]);
  expect(await client.exists([upright.image.sha256], { orientation: 'ignore' })).toHaveProperty('size', 1);
});
