// Drives an addon, given by its path, through everything it does; sanitize.ts runs this.
import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { loadNativeAddon, type NativeAddon, SIFT_ENGINES } from '../../origin/native/addon.ts';
import { DEFAULT_SIFT_PARAMETERS } from '../../shared/contract/parameters.ts';
import { BYTES_PER_KEYPOINT } from '../../shared/features/payload.ts';
import { availableImages, REFUSED } from '../golden/golden.ts';
import { decodeFile, texture } from './images.ts';

const WRONG_ARGUMENTS: unknown[][] = [
  [],
  [null, null],
  [{}, DEFAULT_SIFT_PARAMETERS],
  [{ ...texture(9, 9), width: 10 }, DEFAULT_SIFT_PARAMETERS],
  [{ ...texture(9, 9), pixels: 'text' }, DEFAULT_SIFT_PARAMETERS],
  [texture(9, 9), { ...DEFAULT_SIFT_PARAMETERS, sigma: Number.NaN }],
];

function refuseWrongArguments(addon: NativeAddon): void {
  for (const values of WRONG_ARGUMENTS) {
    try {
      (addon.extract as (...values: unknown[]) => unknown)(...values);
    } catch {
      continue;
    }
    throw new Error('a wrong argument was accepted');
  }
}

/** Matches an image with itself and with another, of sizes around those of the kernel's tiles. */
function matchAll(addon: NativeAddon): void {
  const random = new Uint8Array(600 * 128).map((_, index) => (index * 2_654_435_761) >>> 24);
  for (const first of [0, 1, 3, 4, 5, 255, 256, 257, 600]) {
    for (const second of [0, 1, 2, 256, 511]) {
      const rows = addon.matchDescriptors(
        random.subarray(0, first * 128),
        random.subarray(0, second * 128),
        1,
      );
      if (rows.length > 3 * Math.min(first, second)) throw new Error('too many matches');
    }
  }
  // Beyond 4000, searches look at a part.
  for (const count of [0, 3, 4, 7, 8, 50, 4100]) {
    const points = new Float32Array(2 * count).map((_, index) => (index * 7_919) % 641);
    for (const model of ['homography', 'reflection', 'fundamental'] as const) {
      addon.estimateGeometry(points, points.toReversed(), model, 2);
      addon.estimateGeometry(points, points, model, 2);
      addon.estimateGeometry(
        points.map(() => 5),
        points,
        model,
        2,
      );
    }
  }
}

/** Sizes below, at and above those of the windows. */
function denoiseAll(addon: NativeAddon): void {
  const windows = [
    [1, 3],
    [7, 21],
    [21, 35],
  ] as const;
  for (const [template_window_size, search_window_size] of windows) {
    for (const image of [texture(1, 1), texture(3, 40), texture(40, 3), texture(23, 22)]) {
      const denoising = { h: 3, h_color: 10, template_window_size, search_window_size };
      const { length } = addon.denoise(image, denoising);
      if (length !== image.width * image.height * 3) throw new Error('denoising changed the size');
    }
  }
}

async function exercise(addon: NativeAddon): Promise<number> {
  let features = 0;
  refuseWrongArguments(addon);
  matchAll(addon);
  denoiseAll(addon);
  for (let size = 1; size <= 40; size += 1) {
    for (const image of [texture(size, 1), texture(1, size), texture(size, 2 * size)]) {
      const parameters = {
        ...DEFAULT_SIFT_PARAMETERS,
        n_octave_layers: 1 + (size % 8),
        contrast_threshold: 0,
      };
      features += addon.extract(image, parameters).byteLength / BYTES_PER_KEYPOINT;
    }
  }
  for (const { name, path, expected } of availableImages) {
    if (!expected || REFUSED.includes(name)) continue;
    const image = await decodeFile(path);
    addon.toGrey(image);
    for (const nfeatures of [0, 20]) {
      features +=
        addon.extract(image, { ...DEFAULT_SIFT_PARAMETERS, nfeatures }).byteLength / BYTES_PER_KEYPOINT;
    }
  }
  return features;
}

if (isMainThread) {
  const path = process.argv[2];
  const workers = [1, 2].map(() => new Worker(new URL(import.meta.url), { workerData: path }));
  const counts = await Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0]));
  process.stdout.write(`exercised on two threads: ${counts.join(' and ')} features\n`);
} else {
  const counts: number[] = [];
  for (const engine of SIFT_ENGINES) counts.push(await exercise(loadNativeAddon(engine, workerData)));
  parentPort?.postMessage(counts.join(' + '));
}
