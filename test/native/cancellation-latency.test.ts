import path from 'node:path';
import { Worker } from 'node:worker_threads';
import sharp from 'sharp';
import { afterAll, describe, expect, test } from 'vitest';
import { decodeImage } from '../../origin/decode/decode.ts';
import { loadNativeAddon, type PixelImage } from '../../origin/native/addon.ts';
import { loadClassifier } from '../../origin/vehicles/classifier.ts';
import { readRegistry, registered } from '../../origin/vehicles/registry.ts';
import { DEFAULT_SIFT_PARAMETERS } from '../../shared/contract/parameters.ts';
import { readImageHeader } from '../../shared/image-header.ts';
import { writeTiff } from '../decode/tiff-writer.ts';
import { IS_THOROUGH } from '../fixtures/thorough.ts';

/** What is wanted is 50 ms; a busy machine may need longer to run both threads. */
const LATEST_MS = 500;
/** When the flag is set: in several stages of the work. */
const DELAYS_MS = IS_THOROUGH ? [0, 5, 20, 50, 100, 200, 400, 800] : [30, 150];
const [COLUMNS, ROWS] = IS_THOROUGH ? [7000, 7000] : [4000, 3000];

const addon = loadNativeAddon();
const MODELS = path.resolve(import.meta.dirname, '../../models/vehicles');

/** Sets the flag after a delay, and says when it did. Written as text because it runs while this thread is busy. */
const setter = new Worker(
  `const { parentPort } = require('node:worker_threads');
  parentPort.on('message', ({ flag, setAt, delay }) => setTimeout(() => {
    setAt[0] = process.hrtime.bigint();
    Atomics.store(flag, 0, 1);
  }, delay));`,
  { eval: true },
);
afterAll(() => setter.terminate());

/** @returns milliseconds from the request to the end; undefined where the work was complete before */
async function latency(work: (flag: Int32Array) => unknown, delay: number): Promise<number | undefined> {
  const flag = new Int32Array(new SharedArrayBuffer(4));
  const setAt = new BigInt64Array(new SharedArrayBuffer(8));
  setter.postMessage({ flag, setAt, delay });
  try {
    await work(flag);
    return undefined;
  } catch (error) {
    const ended = process.hrtime.bigint();
    expect(error).toMatchObject({ code: 'CANCELLED' });
    return Number(ended - (setAt[0] ?? 0n)) / 1e6;
  }
}

/** Bytes without any order: a mixing function of where they are. */
function noise(length: number): Uint8Array {
  return new Uint8Array(length).map((_, at) => {
    const mixed = Math.imul(at ^ (at >>> 16), 0x45d9f3b);
    return Math.imul(mixed ^ (mixed >>> 16), 0x45d9f3b) >>> 24;
  });
}

const grey: PixelImage = { pixels: noise(COLUMNS * ROWS), width: COLUMNS, height: ROWS, channels: 1 };
const flat: PixelImage = { ...grey, pixels: new Uint8Array(COLUMNS * ROWS).fill(77) };
const colours = (): PixelImage => ({ ...grey, pixels: noise(3 * COLUMNS * ROWS), channels: 3 });
const encoder = () => sharp(grey.pixels, { raw: { width: COLUMNS, height: ROWS, channels: 1 } });

function decoding(bytes: Uint8Array) {
  const header = readImageHeader(bytes);
  return (cancelled: Int32Array) =>
    decodeImage(addon, bytes, { header, orientation: 'apply', colours: true, cancelled });
}

/** One bit a pixel, of which the decoder makes 24. */
function bitmap(): Uint8Array {
  const stride = Math.ceil(COLUMNS / 32) * 4;
  const bytes = Buffer.alloc(62 + stride * ROWS);
  bytes.write('BM');
  for (const [offset, value] of [
    [10, 62],
    [14, 40],
    [18, COLUMNS],
    [22, ROWS],
    [26, 1 + (1 << 16)],
  ] as const)
    bytes.writeUInt32LE(value, offset);
  return new Uint8Array(bytes);
}

/** One strip, which the decoder is not given row by row by its library. */
function tiff(compression: 'lzw' | 'deflate' | 'zstd'): Uint8Array {
  const [width, height] = [3000, 2000];
  const samples = noise(width * height);
  return writeTiff({ width, height, samples, samplesPerPixel: 1, bits: 8, photometric: 1, compression });
}

const points = Float32Array.from(noise(160_000), (value, at) => value * 10 + (at % 9973) / 1000);
const descriptors = noise(128 * 40_000);
const denoising = { h: 3, h_color: 3, template_window_size: 7, search_window_size: 21 };
const extraction = (image: PixelImage, changed: object) => (flag: Int32Array) =>
  addon.extract(image, { ...DEFAULT_SIFT_PARAMETERS, ...changed }, 500_000, flag);

const WORK: Record<string, () => Promise<(flag: Int32Array) => unknown> | ((flag: Int32Array) => unknown)> = {
  'extraction from noise': () => extraction(grey, {}),
  'extraction from noise, the strongest only': () => extraction(grey, { nfeatures: 100 }),
  'extraction from a flat image, 8 layers': () => extraction(flat, { n_octave_layers: 8 }),
  'extraction from a flat image, any contrast': () => extraction(flat, { contrast_threshold: 0 }),
  'extraction, large sigma': () => extraction(grey, { sigma: 3, n_octave_layers: 5 }),
  'extraction from colours': () => extraction(colours(), {}),
  denoising: () => {
    // OpenCV makes tables at its first call.
    addon.denoise({ ...grey, width: 16, height: 16, pixels: grey.pixels.subarray(0, 256) }, denoising);
    return (flag) => addon.denoise(grey, denoising, flag);
  },
  matching: () => (flag) => addon.matchDescriptors(descriptors, descriptors, 0.8, flag),
  'a homography': () => (flag) =>
    addon.estimateGeometry(points.subarray(80_000), points.subarray(0, 80_000), 'homography', 2, flag),
  'a fundamental matrix': () => (flag) =>
    addon.estimateGeometry(points.subarray(80_000), points.subarray(0, 80_000), 'fundamental', 2, flag),
  classification: async () => {
    const { file } = registered(await readRegistry(MODELS), 'champion');
    const classifier = await loadClassifier(path.join(MODELS, file));
    const image = colours();
    return (cancelled) => classifier.classify(image, { explanation: true, cancelled });
  },
  'decoding JPEG': async () => decoding(await encoder().jpeg({ quality: 95 }).toBuffer()),
  'decoding progressive JPEG': async () =>
    decoding(await encoder().jpeg({ quality: 95, progressive: true }).toBuffer()),
  'decoding BMP': () => decoding(bitmap()),
  'decoding TIFF, one strip of LZW': () => decoding(tiff('lzw')),
  'decoding TIFF, one strip of deflate': () => decoding(tiff('deflate')),
};

describe('work under way ends soon after it is cancelled', { timeout: 300_000 }, () => {
  test.each(Object.entries(WORK))('%s', async (name, prepare) => {
    const work = await prepare();
    const measured: string[] = [];
    for (const delay of DELAYS_MS) {
      const taken = await latency(work, delay);
      if (taken === undefined) break;
      measured.push(`${delay}: ${taken.toFixed(1)}`);
      expect(taken, `after ${delay} ms`).toBeLessThan(LATEST_MS);
    }
    if (IS_THOROUGH)
      process.stdout.write(`${name}, ms until it ends, by when it is cancelled: ${measured.join(', ')}\n`);
  });
});
