import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadNativeAddon } from '../../origin/native/addon.ts';
import { DEFAULT_SIFT_PARAMETERS } from '../../shared/contract/parameters.ts';
import { texture } from './images.ts';

let workers: Worker[];

beforeAll(() => {
  workers = [1, 2].map(() => new Worker(new URL('extract-worker.ts', import.meta.url)));
});

afterAll(() => Promise.all(workers.map((worker) => worker.terminate())));

async function inWorker(worker: Worker, width: number, height: number): Promise<Uint8Array> {
  worker.postMessage({ width, height });
  const [payload] = await once(worker, 'message');
  return payload;
}

test('two workers at once, run after run, give the bytes that one thread gives', async () => {
  const sizes = [
    [256, 256],
    [640, 480],
    [33, 900],
    [640, 480],
    [120, 90],
  ] as const;
  const addon = loadNativeAddon();
  for (const [width, height] of sizes) {
    const alone = Buffer.from(addon.extract(texture(width, height), DEFAULT_SIFT_PARAMETERS));
    for (let run = 0; run < 3; run += 1) {
      const both = await Promise.all(workers.map((worker) => inWorker(worker, width, height)));
      for (const payload of both) expect(Buffer.compare(payload, alone)).toBe(0);
    }
  }
});

test('a worker may end and another begin while the addon stays usable', async () => {
  const expected = Buffer.from(loadNativeAddon().extract(texture(200, 200), DEFAULT_SIFT_PARAMETERS));
  for (let run = 0; run < 4; run += 1) {
    const worker = new Worker(new URL('extract-worker.ts', import.meta.url));
    expect(Buffer.compare(await inWorker(worker, 200, 200), expected)).toBe(0);
    await worker.terminate();
  }
});
