import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { loadNativeAddon, type PixelImage } from '../../origin/native/addon.ts';
import { DEFAULT_SIFT_PARAMETERS } from '../../shared/contract/parameters.ts';
import { texture } from './images.ts';

const addon = loadNativeAddon();
const cancelled = expect.objectContaining({ code: 'CANCELLED' });
const newFlag = (value: number) => new Int32Array(new SharedArrayBuffer(4)).fill(value);

function thrownBy(work: () => unknown): unknown {
  try {
    return work();
  } catch (thrown) {
    return thrown;
  }
}

/** Sets a flag while this thread is busy. */
function setLater(flag: Int32Array): Worker {
  const script = `const flag = require('node:worker_threads').workerData;
    setTimeout(() => Atomics.store(flag, 0, 1), 200);`;
  return new Worker(script, { eval: true, workerData: flag });
}

const denoising = { h: 3, h_color: 3, template_window_size: 21, search_window_size: 35 };
const points = Float32Array.from({ length: 200 }, (_, index) => (index * index * 37) % 1000);

test.each<[string, (flag: Int32Array) => unknown]>([
  ['extraction', (flag) => addon.extract(texture(64, 48), DEFAULT_SIFT_PARAMETERS, undefined, flag)],
  ['denoising', (flag) => addon.denoise(texture(64, 48), denoising, flag)],
  ['matching', (flag) => addon.matchDescriptors(new Uint8Array(1280), new Uint8Array(1280), 0.8, flag)],
  ['geometry', (flag) => addon.estimateGeometry(points, points, 'homography', 3, flag)],
])('%s does not begin once it is cancelled', (_, work) => {
  expect(thrownBy(() => work(newFlag(1)))).toEqual(cancelled);
  expect(thrownBy(() => work(newFlag(0)))).not.toBeInstanceOf(Error);
});

describe('work under way ends when another thread sets the flag', { timeout: 60_000 }, () => {
  // Each takes many seconds.
  const large: PixelImage = {
    pixels: new Uint8Array(12_000_000),
    width: 4000,
    height: 3000,
    channels: 1,
  };
  const descriptors = new Uint8Array(128 * 150_000);
  const work: [string, (flag: Int32Array) => unknown][] = [
    [
      'extraction',
      (flag) => {
        const parameters = { ...DEFAULT_SIFT_PARAMETERS, n_octave_layers: 8, sigma: 10 };
        return addon.extract(large, parameters, undefined, flag);
      },
    ],
    ['denoising', (flag) => addon.denoise(large, denoising, flag)],
    ['matching', (flag) => addon.matchDescriptors(descriptors, descriptors, 0.8, flag)],
  ];
  test.each(work)('%s', async (_, run) => {
    const flag = newFlag(0);
    const other = setLater(flag);
    await new Promise((resolve) => other.once('online', resolve));
    expect(thrownBy(() => run(flag))).toEqual(cancelled);
    await other.terminate();
  });
});

test('anything but a flag is refused', () => {
  const extract = addon.extract as (...values: unknown[]) => unknown;
  for (const flag of [1, null, new Uint8Array(4), new Int32Array(0)]) {
    const error = thrownBy(() => extract(texture(20, 20), DEFAULT_SIFT_PARAMETERS, undefined, flag));
    expect(error).toBeInstanceOf(TypeError);
  }
});
