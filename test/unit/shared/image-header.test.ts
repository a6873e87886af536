import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { ServiceError } from '../../../shared/contract/errors.ts';
import { checkByteLength, checkPixelCount, readImageHeader } from '../../../shared/image-header.ts';

const IMAGES = new URL('../../images/', import.meta.url);
const LIMITS = { maxBytes: 1000, maxPixels: 10_000 };

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof ServiceError) return error.code;
    throw error;
  }
  return 'no error';
}

describe('format and dimensions', () => {
  const size = fc.record({
    width: fc.integer({ min: 1, max: 700 }),
    height: fc.integer({ min: 1, max: 700 }),
  });

  for (const format of ['jpeg', 'png', 'tiff', 'webp'] as const) {
    test(`${format} of any size, as libvips writes it`, async () => {
      await fc.assert(
        fc.asyncProperty(size, async ({ width, height }) => {
          const image = sharp({ create: { width, height, channels: 3, background: 'teal' } });
          const bytes = await image.toFormat(format).toBuffer();
          expect(readImageHeader(bytes)).toEqual({ format, width, height });
        }),
        { numRuns: 25 },
      );
    });
  }

  test('WebP lossless and with alpha', async () => {
    const image = sharp({ create: { width: 301, height: 77, channels: 4, background: '#12345678' } });
    for (const options of [{ lossless: true }, { lossless: false }]) {
      expect(readImageHeader(await image.clone().webp(options).toBuffer())).toEqual({
        format: 'webp',
        width: 301,
        height: 77,
      });
    }
  });

  test('agree with libvips on every image of the test set that it reads', async () => {
    const names = readdirSync(IMAGES).filter((name) => /\.(jpg|png|tif|webp)$/.test(name));
    let read = 0;
    for (const name of names) {
      const bytes = readFileSync(new URL(name, IMAGES));
      const seen = await sharp(bytes)
        .metadata()
        .catch(() => undefined);
      if (!seen) continue;
      const { format, width, height } = seen;
      read += 1;
      expect({ name, ...readImageHeader(bytes) }).toEqual({ name, format, width, height });
    }
    expect(read).toBeGreaterThan(20);
  });

  test('BMP: rows bottom-up, top-down, and the OS/2 header of 16-bit sizes', () => {
    const windows = bmpHeader(40, (view) => {
      view.setInt32(18, 640, true);
      view.setInt32(22, -480, true);
    });
    const os2 = bmpHeader(12, (view) => {
      view.setUint16(18, 640, true);
      view.setUint16(20, 480, true);
    });
    for (const bytes of [windows, os2]) {
      expect(readImageHeader(bytes)).toEqual({ format: 'bmp', width: 640, height: 480 });
    }
  });

  test('JPEG whose thumbnail has a frame header of its own', async () => {
    const thumbnail = await sharp({ create: { width: 16, height: 16, channels: 3, background: 'red' } })
      .jpeg()
      .toBuffer();
    const image = await sharp({ create: { width: 200, height: 100, channels: 3, background: 'red' } })
      .jpeg()
      .toBuffer();
    const application = Buffer.alloc(4 + thumbnail.length);
    application.writeUInt16BE(0xffe1, 0);
    application.writeUInt16BE(2 + thumbnail.length, 2);
    thumbnail.copy(application, 4);
    const bytes = Buffer.concat([image.subarray(0, 2), application, image.subarray(2)]);
    expect(readImageHeader(bytes)).toEqual({ format: 'jpeg', width: 200, height: 100 });
  });
});

describe('what is no image', () => {
  test('empty, text, and formats that we do not take are INVALID_IMAGE', () => {
    const inputs = [
      '',
      'hello',
      'GIF89a\x01\x00\x01\x00',
      '%PDF-1.7',
      '<svg xmlns="http://www.w3.org/2000/svg"/>',
    ];
    for (const text of inputs) {
      expect(codeOf(() => readImageHeader(new TextEncoder().encode(text)))).toBe('INVALID_IMAGE');
    }
  });

  test('every header cut short is INVALID_IMAGE or still gives the true size', async () => {
    for (const name of readdirSync(IMAGES).filter((name) => /\.(jpg|png|tif|webp|bmp)$/.test(name))) {
      const bytes = readFileSync(new URL(name, IMAGES));
      const whole = readImageHeader(bytes);
      const outcomes = new Set<string>();
      for (let length = 0; length < Math.min(bytes.length, 400); length += 1) {
        const outcome = codeOf(() => {
          const { width, height } = readImageHeader(bytes.subarray(0, length));
          if (width !== whole.width || height !== whole.height) throw new Error(`another size at ${length}`);
        });
        outcomes.add(outcome);
      }
      expect(['INVALID_IMAGE', 'no error'], name).toEqual(expect.arrayContaining([...outcomes]));
    }
  });

  test('any bytes behind any magic number: a positive size or INVALID_IMAGE, never another failure', () => {
    const magic = fc.constantFrom(
      [0xff, 0xd8, 0xff],
      [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
      [0x42, 0x4d],
      [0x49, 0x49, 42, 0, 8, 0, 0, 0],
      [0x4d, 0x4d, 0, 42, 0, 0, 0, 8],
      [0x52, 0x49, 0x46, 0x46, 0, 0, 0, 0, 0x57, 0x45, 0x42, 0x50, 0x56, 0x50, 0x38],
    );
    fc.assert(
      fc.property(magic, fc.uint8Array({ maxLength: 300 }), (start, rest) => {
        const code = codeOf(() => {
          const { width, height } = readImageHeader(Uint8Array.from([...start, ...rest]));
          expect(width).toBeGreaterThan(0);
          expect(height).toBeGreaterThan(0);
        });
        expect(['INVALID_IMAGE', 'no error']).toContain(code);
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('limits', () => {
  test('say which one was exceeded', () => {
    const overBytes = () => checkByteLength(1001, LIMITS);
    const overPixels = () => checkPixelCount({ width: 101, height: 100 }, LIMITS);
    expect(overBytes).toThrow(
      expect.objectContaining({ details: { limit: 'bytes', max: 1000, actual: 1001 } }),
    );
    expect(overPixels).toThrow(
      expect.objectContaining({ details: expect.objectContaining({ limit: 'pixels', actual: 10_100 }) }),
    );
    expect(codeOf(overBytes)).toBe('IMAGE_TOO_LARGE');
    expect(codeOf(() => checkByteLength(1000, LIMITS))).toBe('no error');
    expect(codeOf(() => checkPixelCount({ width: 100, height: 100 }, LIMITS))).toBe('no error');
  });

  test.each([
    ['GIF', 'GIF89a\x10\x00\x10\x00'],
    ['PDF', '%PDF-1.7\n'],
    ['HEIC', '\0\0\0\x18ftypheic\0\0\0\0mif1heic'],
    ['AVIF', '\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf'],
    ['JPEG XL', '\xff\x0a\xfa\x7f'],
    ['JPEG XL', '\0\0\0\x0cJXL \r\n\x87\n'],
    ['SVG', '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>'],
    ['SVG', '\n <svg viewBox="0 0 1 1"/>'],
    ['BigTIFF', 'II\x2b\0\x08\0\0\0'],
  ])('%s is named in the refusal', (name, text) => {
    const read = () => readImageHeader(Uint8Array.from(Buffer.from(text, 'latin1')));
    expect(read).toThrow(
      expect.objectContaining({ code: 'INVALID_IMAGE', message: expect.stringContaining(name) }),
    );
  });
});

function bmpHeader(headerLength: number, write: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(14 + headerLength);
  const view = new DataView(bytes.buffer);
  bytes.set([0x42, 0x4d]);
  view.setUint32(14, headerLength, true);
  write(view);
  return bytes;
}
