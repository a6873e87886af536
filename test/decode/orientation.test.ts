import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type DecodeOptions, decodeImage } from '../../origin/decode/decode.ts';
import { loadNativeAddon, type PixelImage } from '../../origin/native/addon.ts';
import { ServiceError } from '../../shared/contract/errors.ts';
import { readImageHeader } from '../../shared/image-header.ts';
import { writeTiff } from './tiff-writer.ts';

const addon = loadNativeAddon();
const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

async function decode(bytes: Uint8Array, orientation: DecodeOptions['orientation'], colours = true) {
  return decodeImage(addon, bytes, { header: readImageHeader(bytes), orientation, colours });
}

/** Where the stored pixel (x, y) is in the upright image: EXIF 2.3, tag 274. */
const UPRIGHT: Record<number, (x: number, y: number, width: number, height: number) => [number, number]> = {
  1: (x, y) => [x, y],
  2: (x, y, width) => [width - 1 - x, y],
  3: (x, y, width, height) => [width - 1 - x, height - 1 - y],
  4: (x, y, _, height) => [x, height - 1 - y],
  5: (x, y) => [y, x],
  6: (x, y, _, height) => [height - 1 - y, x],
  7: (x, y, width, height) => [height - 1 - y, width - 1 - x],
  8: (x, y, width) => [y, width - 1 - x],
};

function turned({ pixels, width, height, channels }: PixelImage, orientation: number): PixelImage {
  const [outWidth, outHeight] = orientation >= 5 ? [height, width] : [width, height];
  const result = new Uint8Array(pixels.length);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const [column = 0, row = 0] = UPRIGHT[orientation]?.(x, y, width, height) ?? [];
      const from = (y * width + x) * channels;
      result.set(pixels.subarray(from, from + channels), (row * outWidth + column) * channels);
    }
  }
  return { pixels: result, width: outWidth, height: outHeight, channels };
}

describe.each([1, 2, 3, 4, 5, 6, 7, 8])('orientation %i', (orientation) => {
  const samples = Array.from({ length: 7 * 5 * 3 }, (_, index) => (index * 37) % 256);
  const tiff = writeTiff({
    width: 7,
    height: 5,
    samples,
    samplesPerPixel: 3,
    bits: 8,
    photometric: 2,
    orientation,
  });

  test.each([
    ['JPEG', readFileSync(at(`../images/jpeg-exif-${orientation}.jpg`))],
    ['TIFF', tiff],
  ])('of a %s is applied, or ignored where that is requested', async (_, bytes) => {
    for (const colours of [true, false]) {
      const stored = await decode(bytes, 'ignore', colours);
      const { width, height } = readImageHeader(bytes);
      expect(stored).toMatchObject({ width, height });
      expect(await decode(bytes, 'apply', colours)).toEqual(turned(stored, orientation));
    }
  });

  test('is what the addon turns a PNG by', async () => {
    const stored = await decode(readFileSync(at('../images/png-rgb.png')), 'apply');
    expect(addon.orient(stored, orientation)).toEqual(turned(stored, orientation));
  });
});

const TRIALS = at('../../../shared/data/trials/');

describe.skipIf(!existsSync(TRIALS))('files of real programs (../shared/data/trials)', () => {
  const trial = (name: string) => new Uint8Array(readFileSync(TRIALS + name));

  test.each([
    'junk-jpeg-header.jpg',
    'l.png',
    'no-eoi.jpg',
    'photo.jfif',
    'pixel-00e1.jpg',
    'grey-alpha-planar2-extra0.tif',
    'grey-alpha-planar2-extra1.tif',
    'grey-alpha-planar2-extra2.tif',
    'ifd-end-pointer.tif',
    'la-contig.tif',
    'la-planar.tif',
    'planar-grey-assoc-alpha.tiff',
    'rgb-zstd-contig-tile.tif',
    'tc-zstd.tif',
    'tiled-planar-lzw.tiff',
  ])('%s is read', async (name) => {
    const bytes = trial(name);
    const { width, height } = readImageHeader(bytes);
    expect(await decode(bytes, 'ignore')).toMatchObject({ width, height });
  });

  test('pixels in planes are those of contiguous ones', async () => {
    expect(await decode(trial('la-planar.tif'), 'apply')).toEqual(
      await decode(trial('la-contig.tif'), 'apply'),
    );
  });

  test.each(['v1_exif6.jpg', 'imagemagick-exif6.png'])('%s is turned upright', async (name) => {
    const stored = await decode(trial(name), 'ignore');
    expect(await decode(trial(name), 'apply')).toEqual(turned(stored, 6));
  });

  test('XMP in front of Exif hides it, as from OpenCV 4.6', async () => {
    const bytes = trial('xmp-first.jpg');
    expect(await decode(bytes, 'apply')).toEqual(await decode(bytes, 'ignore'));
  });

  test.each([
    ['bad-1-49926.bin', /damaged/],
    ['ojpeg.tiff', 'TIFF images with old-style JPEG compression are not supported.'],
    ['rgb-lzw-contig-tile-corrupt1.tif', /damaged/],
    ['tiled-offset-beyond-eof.tif', /damaged/],
  ])('%s is refused', async (name, message) => {
    const error = await decode(trial(name), 'apply').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ServiceError);
    expect(error).toMatchObject({ code: 'IMAGE_READ_ERROR', message: expect.stringMatching(message) });
  });
});
