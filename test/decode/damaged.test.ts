import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeImage } from '../../origin/decode/decode.ts';
import { damaged, tooManyPixels } from '../../origin/decode/errors.ts';
import { ServiceError } from '../../shared/contract/errors.ts';
import { type ImageFormat, readImageHeader } from '../../shared/image-header.ts';
import { ownPictures } from '../golden/golden.ts';

const MAX_PIXELS = 1_000_000;

const pictures = ownPictures
  .filter(({ expected }) => expected !== null)
  .map(({ name, path }) => {
    const bytes = readFileSync(path);
    return { name, bytes, format: readImageHeader(bytes).format };
  });

function ofFormat(...formats: ImageFormat[]) {
  return pictures.filter(({ format }) => formats.includes(format));
}

async function outcome(bytes: Uint8Array, format: ImageFormat, maxPixels = MAX_PIXELS): Promise<unknown> {
  return decodeImage(bytes, { format, maxPixels }).catch((error: unknown) => error);
}

/** The public text is one of our own sentences: no library's words, no addresses, no paths. */
const PUBLIC_MESSAGE =
  /^(The (JPEG|PNG|BMP|TIFF|WEBP) image is damaged or incomplete and cannot be decoded\.|(BMP|JPEG|TIFF) images [\w ,()-]+ are not supported\.|The image has more than \d+ pixels\.)$/;

function expectReadError(result: unknown): void {
  expect(result).toBeInstanceOf(ServiceError);
  expect(result).toMatchObject({
    code: 'IMAGE_READ_ERROR',
    message: expect.stringMatching(PUBLIC_MESSAGE),
  });
}

describe('a file cut short is an error, never half a picture', () => {
  test.each(ofFormat('jpeg', 'png', 'webp'))('$name', async ({ bytes, format }) => {
    for (const share of [0.2, 0.5, 0.8, 0.95]) {
      expectReadError(await outcome(bytes.subarray(0, Math.floor(bytes.length * share)), format));
    }
  });

  test.each(ofFormat('bmp'))('$name', async ({ bytes, format }) => {
    for (const length of [30, 60, Math.floor(bytes.length / 2), bytes.length - 8]) {
      expectReadError(await outcome(bytes.subarray(0, length), format));
    }
  });

  test.each(ofFormat('tiff'))('$name', async ({ bytes, format }) => {
    for (const share of [0.1, 0.5, 0.9]) {
      expectReadError(await outcome(bytes.subarray(0, Math.floor(bytes.length * share)), format));
    }
  });
});

test('a PNG whose pixel data has a wrong checksum is an error', async () => {
  const png = pictures.find(({ name }) => name === 'png-rgb.png');
  const bytes = Uint8Array.from(png?.bytes ?? []);
  const data = Buffer.from(bytes.buffer).indexOf('IDAT');
  bytes[data + 100] = (bytes[data + 100] ?? 0) ^ 0x55;
  expectReadError(await outcome(bytes, 'png'));
});

describe('a PNG needs its last chunk, whole', () => {
  test.each(ofFormat('png'))('$name', async ({ bytes, format }) => {
    for (let missing = 1; missing <= 12; missing += 1) {
      expectReadError(await outcome(bytes.subarray(0, bytes.length - missing), format));
    }
    const wrongChecksum = Buffer.concat([bytes.subarray(0, -1), Buffer.from([0])]);
    expectReadError(await outcome(wrongChecksum, format));
    const withMore = Buffer.concat([bytes, Buffer.from('more')]);
    expect(await outcome(withMore, format)).toEqual(await outcome(bytes, format));
  });
});

describe('bytes in a JPEG that look like scans but are none', () => {
  const likeScans = Buffer.from('ffda'.repeat(200), 'hex');

  test.each(ofFormat('jpeg'))('$name', async ({ bytes, format }) => {
    const sound = await outcome(bytes, format);
    const segment = Buffer.concat([Buffer.from([0xff, 0xef, 0x01, 0x92]), likeScans]);
    const inSegments = Buffer.concat([bytes.subarray(0, 2), segment, segment, bytes.subarray(2)]);
    expect(await outcome(inSegments, format)).toEqual(sound);
    const behindTheEnd = Buffer.concat([bytes, likeScans, Buffer.alloc(1 << 20, 'ftypmp42'), likeScans]);
    expect(await outcome(behindTheEnd, format)).toEqual(sound);
  });
});

test.each([
  ['', ''],
  [' behind fill bytes', 'ffff'],
  [' behind stuffed bytes and garbage', 'ff00ffff00aabb'],
  [' behind a restart marker', 'ffd0'],
  [' behind a segment', 'fffe0004abcd'],
  [' behind a segment shorter than its length', 'fffe0000'],
])('a JPEG with hundreds of scans%s is refused before it is decoded', async (_, prefix) => {
  const bytes = pictures.find(({ name }) => name === 'jpeg-progressive.jpg')?.bytes ?? Buffer.alloc(0);
  const lastScan = bytes.lastIndexOf(Buffer.from([0xff, 0xda]));
  const end = bytes.length - 2;
  const scan = Buffer.concat([Buffer.from(prefix, 'hex'), bytes.subarray(lastScan, end)]);
  const repeated = Array.from({ length: 100 }, () => scan);
  const error = await outcome(
    Buffer.concat([bytes.subarray(0, end), ...repeated, bytes.subarray(end)]),
    'jpeg',
  );
  expectReadError(error);
  expect(error).toMatchObject({ message: 'JPEG images with more than 100 scans are not supported.' });
});

describe('a damaged file gives a picture within the limits or an error of the contract', () => {
  test.each(['jpeg', 'png', 'webp', 'tiff', 'bmp'] as const)('%s', async (format) => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...ofFormat(format)),
        fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 0, max: 255 })), {
          minLength: 1,
          maxLength: 12,
        }),
        fc.double({ min: 0.1, max: 1, noNaN: true }),
        async ({ bytes }, edits, kept) => {
          const edited = Uint8Array.from(bytes.subarray(0, Math.ceil(bytes.length * kept)));
          // Squared, so that headers are hit as often as pixel data.
          for (const [place, value] of edits) edited[Math.floor(place * place * (edited.length - 1))] = value;
          const result = await outcome(edited, format);
          if (result instanceof ServiceError) {
            expect(['IMAGE_READ_ERROR', 'IMAGE_TOO_LARGE']).toContain(result.code);
            expect(result.message).toMatch(PUBLIC_MESSAGE);
            return;
          }
          const { width, height, pixels } = result as Awaited<ReturnType<typeof decodeImage>>;
          expect(width * height).toBeLessThanOrEqual(MAX_PIXELS);
          expect(pixels.length).toBe(width * height * 3);
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe('too many pixels', () => {
  test.each(['jpeg', 'png', 'webp', 'tiff', 'bmp'] as const)('%s', async (format) => {
    const picture = ofFormat(format).find(({ name }) => !/exif|orientation/.test(name));
    const bytes = picture?.bytes ?? new Uint8Array();
    expect(await outcome(bytes, format, 83 * 61 - 1)).toMatchObject({
      code: 'IMAGE_TOO_LARGE',
      message: `The image has more than ${83 * 61 - 1} pixels.`,
      details: { limit: 'pixels', max: 83 * 61 - 1 },
    });
    expect(await outcome(bytes, format, 83 * 61)).toMatchObject({ width: 83, height: 61 });
  });

  test('a few bytes of BMP that claim a large picture take no memory', async () => {
    const header = Buffer.alloc(54);
    header.write('BM');
    header.writeUInt32LE(54, 10);
    header.writeUInt32LE(40, 14);
    header.writeInt32LE(7000, 18);
    header.writeInt32LE(7000, 22);
    header.writeUInt16LE(24, 28);
    const before = process.memoryUsage().arrayBuffers;
    expectReadError(await outcome(header, 'bmp', 50_000_000));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
  });
});

describe('content of a format that is not served never reaches its decoder', () => {
  test.each([
    [
      'SVG',
      '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>',
    ],
    ['GIF', 'GIF89a\x01\x00\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x01D\x00;'],
    ['PDF', '%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>'],
    ['PPM', 'P6 1 1 255\nabc'],
    ['AVIF', '\x00\x00\x00\x20ftypavif\x00\x00\x00\x00avifmif1miaf'],
  ])('%s', async (_, content) => {
    for (const format of ['jpeg', 'png', 'webp', 'tiff', 'bmp'] as const) {
      const error = (await outcome(Buffer.from(content, 'latin1'), format)) as Error;
      expectReadError(error);
      if (format === 'webp') expect(String(error.cause)).toMatch(/unsupported image format/);
    }
  });
});

test('what a library says at length is kept in short', () => {
  const long = new Error(`the fault ${'again '.repeat(1000)}`);
  for (const error of [damaged('tiff', long), tooManyPixels(1, long)]) {
    expect(String(error.cause)).toMatch(/^Error: the fault again/);
    expect(String(error.cause).length).toBeLessThan(320);
  }
  const short = new RangeError('past the end');
  expect(damaged('bmp', short).cause).toBe(short);
});
