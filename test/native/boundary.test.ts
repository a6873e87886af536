import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadNativeAddon, SIFT_ENGINES } from '../../origin/native/addon.ts';
import { DEFAULT_SIFT_PARAMETERS } from '../../shared/contract/parameters.ts';
import { sampleImage, texture } from './images.ts';

const image = texture(40, 30);

describe.each(SIFT_ENGINES)('%s', (engine) => {
  const addon = loadNativeAddon(engine);
  // What JavaScript could hand over; the types would forbid most of it.
  const extract = addon.extract as (...values: unknown[]) => ArrayBuffer;

  describe('an image is refused', () => {
    test.each([
      ['no image', undefined, TypeError],
      ['null', null, TypeError],
      ['a string', 'image', TypeError],
      ['no pixels', { ...image, pixels: undefined }, TypeError],
      ['pixels in an array', { ...image, pixels: [1, 2, 3] }, TypeError],
      ['pixels of another type', { ...image, pixels: new Float32Array(1200) }, TypeError],
      ['pixels as a DataView', { ...image, pixels: new DataView(new ArrayBuffer(1200)) }, TypeError],
      ['too few pixels', { ...image, pixels: new Uint8Array(1199) }, RangeError],
      ['too many pixels', { ...image, pixels: new Uint8Array(1201) }, RangeError],
      ['no width', { ...image, width: undefined }, TypeError],
      ['a width of text', { ...image, width: '40' }, TypeError],
      ['a bigint width', { ...image, width: 40n }, TypeError],
      ['width 0', { ...image, width: 0, pixels: new Uint8Array(0) }, RangeError],
      ['a negative width', { ...image, width: -40 }, RangeError],
      ['a fractional width', { ...image, width: 40.5 }, RangeError],
      ['width NaN', { ...image, width: Number.NaN }, RangeError],
      ['an infinite height', { ...image, height: Number.POSITIVE_INFINITY }, RangeError],
      ['a width beyond int', { ...image, width: 2 ** 32 + 40 }, RangeError],
      ['too large a product', { ...image, width: 2 ** 20, height: 2 ** 20 }, RangeError],
      ['two channels', { ...image, channels: 2, pixels: new Uint8Array(2400) }, RangeError],
      ['four channels', { ...image, channels: 4, pixels: new Uint8Array(4800) }, RangeError],
    ])('%s', (_, value, error) => {
      expect(() => extract(value, DEFAULT_SIFT_PARAMETERS)).toThrow(error);
      expect(() => (addon.toGrey as (value: unknown) => void)(value)).toThrow(error);
    });

    test('whose pixels were transferred away', () => {
      const moved = texture(40, 30);
      structuredClone(moved.pixels.buffer, { transfer: [moved.pixels.buffer as ArrayBuffer] });
      expect(() => addon.extract(moved, DEFAULT_SIFT_PARAMETERS)).toThrow(RangeError);
    });

    test('whose pixels are transferred away while the arguments are read', () => {
      const moving = texture(40, 30);
      const parameters = {
        ...DEFAULT_SIFT_PARAMETERS,
        get sigma() {
          structuredClone(moving.pixels.buffer, { transfer: [moving.pixels.buffer as ArrayBuffer] });
          return 1.6;
        },
      };
      expect(() => addon.extract(moving, parameters)).toThrow(RangeError);
    });
  });

  describe('parameters are refused', () => {
    test.each([undefined, null, 3, 'defaults'])('%s', (value) => {
      expect(() => extract(image, value)).toThrow(TypeError);
    });

    const names = Object.keys(DEFAULT_SIFT_PARAMETERS);
    test.each(names)('%s missing or not a number', (name) => {
      for (const value of [undefined, null, '3', true, {}, 3n]) {
        expect(() => extract(image, { ...DEFAULT_SIFT_PARAMETERS, [name]: value })).toThrow(TypeError);
      }
    });

    test.each(names)('%s not finite, negative or huge', (name) => {
      for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -1, 1e300]) {
        expect(() => extract(image, { ...DEFAULT_SIFT_PARAMETERS, [name]: value })).toThrow(RangeError);
      }
    });

    test.each(['nfeatures', 'n_octave_layers'])('%s not an integer', (name) => {
      expect(() => extract(image, { ...DEFAULT_SIFT_PARAMETERS, [name]: 2.5 })).toThrow(RangeError);
    });
  });

  test.each([null, '3', 0, -1, 1.5, Number.NaN, 2 ** 31])('%s keypoints at most are refused', (value) => {
    expect(() => extract(image, DEFAULT_SIFT_PARAMETERS, value)).toThrow(RangeError);
  });

  test('an error thrown while the arguments are read reaches the caller as it is', () => {
    const thrown = new Error('from a getter');
    const parameters = {
      get nfeatures() {
        throw thrown;
      },
    };
    expect(() => extract(image, parameters)).toThrow(thrown);
  });

  test('the result does not change when the pixels change afterwards', async () => {
    const image = await sampleImage();
    const result = addon.extract(image, DEFAULT_SIFT_PARAMETERS);
    const before = Buffer.from(result.slice(0));
    image.pixels.fill(0);
    expect(Buffer.from(result)).toEqual(before);
  });

  describe('grey', () => {
    test('of one channel is that channel', () => {
      expect(addon.toGrey(image)).toEqual(new Uint8Array(image.pixels));
    });

    test('of equal channels is the channel, so a grey image may be handed over either way', () => {
      const levels = Uint8Array.from({ length: 256 }, (_, level) => level);
      const rgb = Uint8Array.from({ length: 768 }, (_, index) => Math.floor(index / 3));
      expect(addon.toGrey({ pixels: rgb, width: 256, height: 1, channels: 3 })).toEqual(levels);
    });

    test('weighs red, green and blue as BGR2GRAY does', () => {
      const pixels = new Uint8Array([255, 0, 0, 0, 255, 0, 0, 0, 255]);
      expect([...addon.toGrey({ pixels, width: 3, height: 1, channels: 3 })]).toEqual([76, 150, 29]);
    });
  });
});

test('both engines make the same grey of every colour', () => {
  const pixels = new Uint8Array(3 << 24);
  for (let colour = 0; colour < 1 << 24; colour += 1) {
    pixels[3 * colour] = colour >> 16;
    pixels[3 * colour + 1] = colour >> 8;
    pixels[3 * colour + 2] = colour;
  }
  const colours = { pixels, width: 4096, height: 4096, channels: 3 } as const;
  const [opencv, edgesift] = SIFT_ENGINES.map((engine) => loadNativeAddon(engine).toGrey(colours));
  expect(Buffer.compare(opencv ?? Buffer.of(), edgesift ?? Buffer.of(0))).toBe(0);
});

describe('a binary that cannot be loaded', () => {
  test('is named, with the command that builds it', () => {
    expect(() => loadNativeAddon('opencv', '/nowhere/edgesift.node')).toThrow(
      /\/nowhere\/edgesift\.node[\s\S]*reason:[\s\S]*cmake -S origin\/native -B build\/native/,
    );
  });

  test('gives the reason', () => {
    const folder = mkdtempSync(join(tmpdir(), 'edgesift-addon-'));
    try {
      const path = join(folder, 'edgesift.node');
      writeFileSync(path, 'not a library');
      expect(() => loadNativeAddon('opencv', path)).toThrow(/reason: \S+/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('denoising refuses', () => {
  const denoise = loadNativeAddon().denoise as (...values: unknown[]) => Uint8Array;
  const defaults = { h: 3, h_color: 3, template_window_size: 7, search_window_size: 21 };
  test.each([
    ['no image', [undefined, defaults], TypeError],
    ['no parameters', [image], TypeError],
    ['no strength', [image, { ...defaults, h: undefined }], TypeError],
    ['strength 0', [image, { ...defaults, h_color: 0 }], RangeError],
    ['a window of half pixels', [image, { ...defaults, search_window_size: 7.5 }], RangeError],
    ['a vast window', [image, { ...defaults, search_window_size: 1e6 }], RangeError],
  ])('%s', (_, values, error) => {
    expect(() => denoise(...values)).toThrow(error);
  });
});
