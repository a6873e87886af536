import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeImage } from '../../origin/decode/decode.ts';
import { damaged } from '../../origin/decode/errors.ts';
import { loadNativeAddon } from '../../origin/native/addon.ts';
import { ServiceError } from '../../shared/contract/errors.ts';
import { type FeatureImageFormat, type ImageHeader, readImageHeader } from '../../shared/image-header.ts';
import { ownImages } from '../golden/golden.ts';

const addon = loadNativeAddon();

const images = ownImages
  .filter(({ expected }) => expected !== null)
  .map(({ name, path }) => {
    const bytes = readFileSync(path);
    const header = readImageHeader(bytes);
    return { name, bytes, format: header.format, header };
  });

function imageNamed(name: string) {
  const image = images.find((candidate) => candidate.name === name);
  if (!image) throw new Error(`there is no ${name}`);
  return image;
}

function ofFormat(...formats: FeatureImageFormat[]) {
  return images.filter(({ format }) => formats.includes(format));
}

async function outcome(bytes: Uint8Array, header: ImageHeader): Promise<unknown> {
  const options = { header, orientation: 'apply', colours: true } as const;
  return decodeImage(addon, bytes, options).catch((error: unknown) => error);
}

/** The public text is one of our own sentences: no library's words, no addresses, no paths. */
const PUBLIC_MESSAGE =
  /^(The (JPEG|PNG|BMP|TIFF|WEBP) image is damaged or incomplete and cannot be decoded\.|(BMP|JPEG|TIFF) images [\w ,()-]+ are not supported\.)$/;

function expectReadError(result: unknown): void {
  expect(result).toBeInstanceOf(ServiceError);
  expect(result).toMatchObject({
    code: 'IMAGE_READ_ERROR',
    message: expect.stringMatching(PUBLIC_MESSAGE),
  });
}

describe('a file cut short is an error, never half an image', () => {
  test.each(ofFormat('jpeg', 'png', 'webp'))('$name', async ({ bytes, header }) => {
    for (const share of [0.2, 0.5, 0.8, 0.95]) {
      expectReadError(await outcome(bytes.subarray(0, Math.floor(bytes.length * share)), header));
    }
  });

  test.each(ofFormat('bmp'))('$name', async ({ bytes, header }) => {
    for (const length of [30, 60, Math.floor(bytes.length / 2), bytes.length - 8]) {
      expectReadError(await outcome(bytes.subarray(0, length), header));
    }
  });

  test.each(ofFormat('tiff'))('$name', async ({ name, bytes, header }) => {
    // The second of two pages need not be there.
    const shares = name.includes('two-pages') ? [0.1, 0.4] : [0.1, 0.5, 0.9];
    for (const share of shares) {
      expectReadError(await outcome(bytes.subarray(0, Math.floor(bytes.length * share)), header));
    }
  });
});

test('a PNG whose pixel data has a wrong checksum is an error', async () => {
  const png = imageNamed('png-rgb.png');
  const bytes = Buffer.from(png.bytes);
  const data = bytes.indexOf('IDAT');
  bytes[data + 100] = (bytes[data + 100] ?? 0) ^ 0x55;
  expectReadError(await outcome(bytes, png.header));
});

describe('a PNG needs its last chunk, whole', () => {
  test.each(ofFormat('png'))('$name', async ({ bytes, header }) => {
    for (let missing = 1; missing <= 12; missing += 1) {
      expectReadError(await outcome(bytes.subarray(0, bytes.length - missing), header));
    }
    const wrongChecksum = Buffer.concat([bytes.subarray(0, -1), Buffer.from([0])]);
    expectReadError(await outcome(wrongChecksum, header));
    const withMore = Buffer.concat([bytes, Buffer.from('more')]);
    expect(await outcome(withMore, header)).toEqual(await outcome(bytes, header));
  });
});

describe('bytes in a JPEG that look like scans but are none', () => {
  const likeScans = Buffer.from('ffda'.repeat(200), 'hex');

  test.each(ofFormat('jpeg'))('$name', async ({ bytes, header }) => {
    const sound = await outcome(bytes, header);
    const segment = Buffer.concat([Buffer.from([0xff, 0xef, 0x01, 0x92]), likeScans]);
    const inSegments = Buffer.concat([bytes.subarray(0, 2), segment, segment, bytes.subarray(2)]);
    expect(await outcome(inSegments, header)).toEqual(sound);
    const behindTheEnd = Buffer.concat([bytes, likeScans, Buffer.alloc(1 << 20, 'ftypmp42'), likeScans]);
    expect(await outcome(behindTheEnd, header)).toEqual(sound);
  });
});

/**
 * 8×8 grey pixels in three components, each coded in a scan of its own, whose Huffman tables are the standard's.
 *
 * @param scans number of the component that each scan codes
 * @param prefix hexadecimal, in front of every scan
 */
function jpegOfScans(scans: number[], prefix = ''): Buffer {
  const quantisation = `ffdb004300${'01'.repeat(64)}`;
  const frame = 'ffc00011080008000803011100021100031100';
  const scan = (component: number) => `${prefix}ffda0008010${component}00003f002b`;
  return Buffer.from(`ffd8${quantisation}${frame}${scans.map(scan).join('')}ffd9`, 'hex');
}

const SCANS_8_BY_8: ImageHeader = { format: 'jpeg', width: 8, height: 8 };

describe.each([
  ['', ''],
  [' behind fill bytes', 'ffff'],
  [' behind stuffed bytes and garbage', 'ff00ffff00aabb'],
  [' behind a restart marker', 'ffd0'],
  [' behind a segment', 'fffe0004abcd'],
  [' behind a segment shorter than its length', 'fffe0000'],
])('scans of a JPEG%s', (_, prefix) => {
  const hundred = Array.from({ length: 100 }, (_, index) => 1 + (index % 3));

  test('are decoded up to a hundred', async () => {
    const image = { width: 8, height: 8, channels: 3, pixels: new Uint8Array(192).fill(128) };
    expect(await outcome(jpegOfScans([1, 2, 3], prefix), SCANS_8_BY_8)).toEqual(image);
    expect(await outcome(jpegOfScans(hundred, prefix), SCANS_8_BY_8)).toEqual(image);
  });

  test('are refused beyond a hundred', async () => {
    const error = await outcome(jpegOfScans([...hundred, 1], prefix), SCANS_8_BY_8);
    expectReadError(error);
    expect(error).toMatchObject({ message: 'JPEG images with more than 100 scans are not supported.' });
  });

  test('must be there for every component', async () => {
    for (const scans of [[1], [1, 2], [1, 1, 3]]) {
      expectReadError(await outcome(jpegOfScans(scans, prefix), SCANS_8_BY_8));
    }
  });
});

describe('a JPEG without its end, or with bytes between its segments', () => {
  test.each(ofFormat('jpeg'))('$name', async ({ bytes, header }) => {
    const sound = await outcome(bytes, header);
    expect(bytes.subarray(-2)).toEqual(Buffer.from([0xff, 0xd9]));
    expect(await outcome(bytes.subarray(0, -2), header)).toEqual(sound);
    const stray = Buffer.concat([
      bytes.subarray(0, 2),
      Buffer.from('ffe00002aabbccff00ff', 'hex'),
      bytes.subarray(2),
    ]);
    expect(readImageHeader(stray)).toEqual(header);
    expect(await outcome(stray, header)).toEqual(sound);
  });

  test('a progressive one that lacks its last scan is damaged', async () => {
    const { bytes, header } = imageNamed('jpeg-progressive.jpg');
    const lastScan = bytes.lastIndexOf(Buffer.from([0xff, 0xda]));
    const without = Buffer.concat([bytes.subarray(0, lastScan), Buffer.from([0xff, 0xd9])]);
    expectReadError(await outcome(without, header));
  });
});

describe('a damaged file gives an image within the limits or an error of the contract', () => {
  test.each(['jpeg', 'png', 'webp', 'tiff', 'bmp'] as const)('%s', async (format) => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...ofFormat(format)),
        fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 0, max: 255 })), {
          minLength: 1,
          maxLength: 12,
        }),
        fc.double({ min: 0.1, max: 1, noNaN: true }),
        async ({ bytes, header }, edits, kept) => {
          const edited = Uint8Array.from(bytes.subarray(0, Math.ceil(bytes.length * kept)));
          // Squared, so that headers are hit as often as pixel data.
          for (const [place, value] of edits) edited[Math.floor(place * place * (edited.length - 1))] = value;
          const result = await outcome(edited, header);
          if (result instanceof ServiceError) {
            expect(result.code).toBe('IMAGE_READ_ERROR');
            expect(result.message).toMatch(PUBLIC_MESSAGE);
            return;
          }
          const { width, height, pixels } = result as Awaited<ReturnType<typeof decodeImage>>;
          expect(width * height).toBe(header.width * header.height);
          expect(pixels.length).toBe(width * height * 3);
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe('another size than the header was read to have is an error', () => {
  test.each(images)('$name', async ({ bytes, header }) => {
    expectReadError(await outcome(bytes, { ...header, width: header.width + 1 }));
    expectReadError(await outcome(bytes, { ...header, height: header.height - 1 }));
  });

  test('a few bytes of BMP that claim a large image take no memory', async () => {
    const header = Buffer.alloc(54);
    header.write('BM');
    header.writeUInt32LE(54, 10);
    header.writeUInt32LE(40, 14);
    header.writeInt32LE(7000, 18);
    header.writeInt32LE(7000, 22);
    header.writeUInt16LE(24, 28);
    const before = process.memoryUsage().arrayBuffers;
    expectReadError(await outcome(header, readImageHeader(header)));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
  });
});

describe('content of another format than was admitted is refused', () => {
  test.each([
    [
      'SVG',
      '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>',
    ],
    ['GIF', 'GIF89a\x01\x00\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x01D\x00;'],
    ['PDF', '%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>'],
    ['PPM', 'P6 1 1 255\nabc'],
    ['AVIF', '\x00\x00\x00\x20ftypavif\x00\x00\x00\x00avifmif1miaf'],
  ])('%s', async (name, content) => {
    for (const format of ['jpeg', 'png', 'webp', 'tiff', 'bmp'] as const) {
      const header = { format, width: 9, height: 9 };
      const error = (await outcome(Buffer.from(content, 'latin1'), header)) as Error;
      expectReadError(error);
      // The decoder of GIF runs for vehicles.
      if (format === 'webp' && name !== 'GIF')
        expect(String(error.cause)).toMatch(/unsupported image format/);
    }
  });
});

test('what a library says at length is kept in short', () => {
  const long = new Error(`the fault ${'again '.repeat(1000)}`);
  const error = damaged('tiff', long);
  expect(String(error.cause)).toMatch(/^Error: the fault again/);
  expect(String(error.cause).length).toBeLessThan(320);
  const short = new RangeError('past the end');
  expect(damaged('bmp', short).cause).toBe(short);
});
