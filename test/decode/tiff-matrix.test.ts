import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { decodeImage } from '../../origin/decode/decode.ts';
import { loadNativeAddon } from '../../origin/native/addon.ts';
import { ServiceError } from '../../shared/contract/errors.ts';
import { readImageHeader } from '../../shared/image-header.ts';
import { IS_THOROUGH, inThorough } from '../fixtures/thorough.ts';
import { blocksOf, type TiffCompression, type TiffPart, type TiffPlan, writeTiff } from './tiff-writer.ts';

const addon = loadNativeAddon();
const [WIDTH, HEIGHT] = [37, 29];
const [WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR] = [0, 1, 2, 3, 5, 6];

function decoded(bytes: Uint8Array): ReturnType<typeof decodeImage> {
  return decodeImage(addon, bytes, { header: readImageHeader(bytes), orientation: 'apply', colours: true });
}

function outcome(bytes: Uint8Array): Promise<unknown> {
  return decoded(bytes).catch((error: unknown) => error);
}

function expectReadError(result: unknown, message: RegExp | string = /damaged/): void {
  expect(result).toBeInstanceOf(ServiceError);
  expect(result).toMatchObject({
    code: 'IMAGE_READ_ERROR',
    message: expect.stringMatching(message),
  });
}

/** Deterministic samples of all values. */
function samplesOf(count: number, bits: number): number[] {
  let state = 12345;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> (32 - bits);
  });
}

type Kind = Pick<TiffPlan, 'samplesPerPixel' | 'bits' | 'photometric' | 'extraSamples' | 'colourMap'>;

const depths = [1, 2, 4, 8, 16] as const;
const KINDS: Record<string, Kind> = {
  ...Object.fromEntries(
    depths.flatMap((bits): [string, Kind][] => [
      [`grey of ${bits} bits`, { samplesPerPixel: 1, bits, photometric: BLACK_IS_ZERO }],
      [`grey of ${bits} bits, white is zero`, { samplesPerPixel: 1, bits, photometric: WHITE_IS_ZERO }],
    ]),
  ),
  ...Object.fromEntries(
    ([1, 2, 4, 8] as const).map((bits): [string, Kind] => [
      `palette of ${bits} bits`,
      { samplesPerPixel: 1, bits, photometric: PALETTE, colourMap: samplesOf(3 * 2 ** bits, 16) },
    ]),
  ),
  ...Object.fromEntries(
    ([8, 16] as const).flatMap((bits): [string, Kind][] => [
      [`RGB of ${bits} bits`, { samplesPerPixel: 3, bits, photometric: RGB }],
      ...([undefined, 0, 1, 2] as const).flatMap((alpha): [string, Kind][] => {
        const extraSamples = alpha === undefined ? {} : { extraSamples: [alpha] };
        const name = alpha === undefined ? 'undeclared' : `declared ${alpha}`;
        return [
          [
            `RGB of ${bits} bits, alpha ${name}`,
            { samplesPerPixel: 4, bits, photometric: RGB, ...extraSamples },
          ],
          [
            `grey of ${bits} bits, alpha ${name}`,
            { samplesPerPixel: 2, bits, photometric: BLACK_IS_ZERO, ...extraSamples },
          ],
        ];
      }),
    ]),
  ),
  'grey of 8 bits and alpha, white is zero': {
    samplesPerPixel: 2,
    bits: 8,
    photometric: WHITE_IS_ZERO,
    extraSamples: [2],
  },
  'CMYK of 8 bits': { samplesPerPixel: 4, bits: 8, photometric: CMYK },
};

/** What {@link KINDS} say, by other code than the decoder's: TIFF 6.0 and docs/decoding.md. */
function expectedPixels(kind: Kind, samples: number[]): Uint8Array {
  const { samplesPerPixel, bits, photometric, colourMap = [], extraSamples } = kind;
  const pixels: number[] = [];
  for (let at = 0; at < samples.length; at += samplesPerPixel) {
    const values = samples.slice(at, at + samplesPerPixel);
    const [first = 0, , , fourth = 0] = values;
    if (photometric === WHITE_IS_ZERO || photometric === BLACK_IS_ZERO) {
      const high = bits === 16 ? first >> 8 : first;
      const range = bits === 16 ? 255 : 2 ** bits - 1;
      const grey = Math.floor((255 * (photometric === WHITE_IS_ZERO ? range - high : high)) / range);
      pixels.push(grey, grey, grey);
    } else if (photometric === PALETTE) {
      for (const channel of [0, 1, 2]) {
        pixels.push(Math.floor(((colourMap[channel * 2 ** bits + first] ?? 0) * 255) / 65535));
      }
    } else if (photometric === CMYK) {
      for (const ink of values.slice(0, 3)) pixels.push(Math.floor(((255 - ink) * (255 - fourth)) / 255));
    } else {
      const byte = (value: number) => (bits === 16 ? Math.floor((value + 128) / 257) : value);
      for (const value of values.slice(0, 3)) {
        const isMultiplied = extraSamples?.[0] === 2;
        pixels.push(isMultiplied ? Math.floor((byte(value) * byte(fourth) + 127) / 255) : byte(value));
      }
    }
  }
  return Uint8Array.from(pixels);
}

const LAYOUTS: Record<string, Pick<TiffPlan, 'tile' | 'rowsPerStrip'>> = {
  'one strip': {},
  strips: { rowsPerStrip: 8 },
  tiles: { tile: 16 },
  'a tile larger than the image': { tile: 48 },
};
const COMPRESSIONS: Exclude<TiffCompression, 'jpeg'>[] = ['none', 'lzw', 'deflate', 'packbits', 'zstd'];

function plansOf(kind: Kind): { name: string; plan: Omit<TiffPlan, 'samples'> }[] {
  const plans = [];
  for (const [layoutName, layout] of Object.entries(LAYOUTS)) {
    for (const compression of COMPRESSIONS) {
      for (const planar of kind.samplesPerPixel > 1 ? [false, true] : [false]) {
        const mayDiffer = kind.bits >= 8 && compression !== 'none' && compression !== 'packbits';
        for (const predictor of mayDiffer ? [false, true] : [false]) {
          for (const bigEndian of [false, true]) {
            plans.push({
              name: [layoutName, compression, planar, predictor, bigEndian].join(),
              plan: {
                width: WIDTH,
                height: HEIGHT,
                ...kind,
                ...layout,
                compression,
                planar,
                predictor,
                bigEndian,
              },
            });
          }
        }
      }
    }
  }
  return plans;
}

describe('every way to store the same samples gives the same pixels', () => {
  test.each(Object.entries(KINDS))('%s', async (_, kind) => {
    const samples = samplesOf(WIDTH * HEIGHT * kind.samplesPerPixel, kind.bits);
    const image = { width: WIDTH, height: HEIGHT, channels: 3, pixels: expectedPixels(kind, samples) };
    for (const { name, plan } of plansOf(kind)) {
      expect(await outcome(writeTiff({ ...plan, samples })), name).toEqual(image);
    }
  });

  test.each([false, true])('JPEG in tiles as in strips (grey: %s)', async (grey) => {
    const pixels = Uint8Array.from(samplesOf(64 * 48 * 3, 8));
    const image = sharp(pixels, { raw: { width: 64, height: 48, channels: 3 } }).toColourspace(
      grey ? 'b-w' : 'srgb',
    );
    const options = { compression: 'jpeg', quality: 95 } as const;
    const strips = await image.clone().tiff(options).toBuffer();
    const tiles = await image
      .clone()
      .tiff({ ...options, tile: true, tileWidth: 16, tileHeight: 16 })
      .toBuffer();
    expect(await outcome(tiles)).toMatchObject({ width: 64, height: 48 });
    expect(await outcome(tiles)).toEqual(await outcome(strips));
  });
});

describe('planes compressed by JPEG are those that their JPEG files give', () => {
  const layouts = Object.entries(LAYOUTS);
  const kinds = ['RGB of 8 bits', 'RGB of 8 bits, alpha undeclared', 'CMYK of 8 bits'];
  const read = kinds.filter((name) => !name.includes('alpha'));
  const plansOf = (name: string) =>
    layouts.map(([layoutName, layout]) => [`${name}, ${layoutName}`, { ...plan(name), ...layout }] as const);

  function plan(name: string): TiffPlan {
    const kind = KINDS[name];
    if (!kind) throw new Error(`no kind ${name}`);
    const samples = samplesOf(WIDTH * HEIGHT * kind.samplesPerPixel, 8);
    return { width: WIDTH, height: HEIGHT, ...kind, planar: true, compression: 'jpeg', samples };
  }

  test.each(read.flatMap(plansOf))('%s', async (_, given) => {
    const shown = new Array(given.samples.length).fill(0);
    const jpegs: Uint8Array[] = [];
    const perRow = Math.ceil(WIDTH / (given.tile ?? WIDTH));
    const rows = given.tile ?? given.rowsPerStrip ?? HEIGHT;
    const blocks = blocksOf(given);
    const perPlane = blocks.length / given.samplesPerPixel;
    for (const [index, block] of blocks.entries()) {
      const raw = { width: block.columns, height: block.rows, channels: 1 } as const;
      const values = Uint8Array.from({ length: block.columns * block.rows }, (_, at) =>
        block.sample(Math.floor(at / block.columns), at % block.columns, 0),
      );
      const jpeg = await sharp(values, { raw }).toColourspace('b-w').jpeg({ quality: 90 }).toBuffer();
      jpegs.push(jpeg);
      const { pixels } = addon.decodeJpeg(jpeg, { ...raw, applyOrientation: false });
      const plane = Math.floor(index / perPlane);
      const top = Math.floor((index % perPlane) / perRow) * rows;
      const left = ((index % perPlane) % perRow) * block.columns;
      for (const [at, value] of pixels.entries()) {
        const [y, x] = [top + Math.floor(at / block.columns), left + (at % block.columns)];
        if (y < HEIGHT && x < WIDTH) shown[(y * WIDTH + x) * given.samplesPerPixel + plane] = value;
      }
    }
    const pixels = expectedPixels(given, shown);
    const image = { width: WIDTH, height: HEIGHT, channels: 3, pixels };
    const file = writeTiff({ ...given, jpegs });
    expect(await outcome(file)).toEqual(image);
    // As the same samples in one piece, without compression.
    const { tile: _tile, ...untiled } = given;
    const contiguous = writeTiff({ ...untiled, planar: false, compression: 'none', samples: shown });
    expect(await outcome(contiguous)).toEqual(image);
  });

  test('with alpha they are refused', async () => {
    const given = plan('RGB of 8 bits, alpha undeclared');
    const jpeg = await sharp(new Uint8Array(WIDTH * HEIGHT), {
      raw: { width: WIDTH, height: HEIGHT, channels: 1 },
    })
      .jpeg()
      .toBuffer();
    const file = writeTiff({ ...given, jpegs: new Array(4).fill(jpeg) });
    expectReadError(await outcome(file), 'TIFF images with JPEG compression of 4 samples of 8 bits');
  });
});

describe('a strip of more than a megabyte, which is decoded row by row', () => {
  /** The strip of one plane has a third of the samples. */
  function largeImage(planar: boolean) {
    const [width, height] = planar ? [900, 600] : [500, 360];
    const samples = Uint16Array.from({ length: width * height * 3 }, (_, at) => (at * 40503) >>> (at % 7));
    return { width, height, samplesPerPixel: 3, bits: 16, photometric: RGB, samples } as const;
  }
  const stored = (['lzw', 'deflate', 'zstd'] as const).flatMap((compression) =>
    [false, true].map((planar) => ({ compression, planar, predictor: planar, bigEndian: !planar })),
  );

  // Planes of LZW take longest, and are shown in small strips above.
  const isQuick = ({ compression, planar }: (typeof stored)[number]) => !(compression === 'lzw' && planar);
  const name = '$compression, planes: $planar';
  test.each(stored.filter(isQuick))(name, { timeout: 60_000 }, isReadByRows);
  test.runIf(IS_THOROUGH).each(stored.filter((plan) => !isQuick(plan)))(
    inThorough(name),
    { timeout: 60_000 },
    isReadByRows,
  );

  async function isReadByRows(plan: (typeof stored)[number]): Promise<void> {
    const kind = largeImage(plan.planar);
    const { width, height } = kind;
    const pixels = expectedPixels(kind, [...kind.samples]);
    const image = await decoded(writeTiff({ ...kind, ...plan }));
    expect(image).toMatchObject({ width, height, channels: 3 });
    // `toEqual` compares a million pixels one by one, in seconds.
    expect(Buffer.compare(image.pixels, pixels)).toBe(0);
    const halve = (parts: TiffPart[]) => {
      for (const part of parts) part.length >>= 1;
    };
    expectReadError(await outcome(writeTiff({ ...kind, ...plan, damage: halve })));
  }
});

const RGB_PLAN: TiffPlan = {
  width: WIDTH,
  height: HEIGHT,
  ...{ samplesPerPixel: 3, bits: 8, photometric: RGB },
  samples: samplesOf(WIDTH * HEIGHT * 3, 8),
};

describe('damage is refused wherever it lies', () => {
  const stored = Object.entries(LAYOUTS).flatMap(([layoutName, layout]) =>
    COMPRESSIONS.flatMap((compression) =>
      [false, true].map((planar) => ({
        name: `${layoutName}, ${compression}, ${planar ? 'planes' : 'pixels'}`,
        plan: { ...RGB_PLAN, ...layout, compression, planar },
      })),
    ),
  );

  test.each(stored)('$name', async ({ plan }) => {
    const count = countParts(plan);
    const sound = await outcome(writeTiff(plan));
    expect(sound).toMatchObject({ width: WIDTH, height: HEIGHT });
    const damages: Record<string, (part: TiffPart) => void> = {
      'an offset behind the end': (part) => {
        part.offset = 1 << 28;
      },
      'no bytes': (part) => {
        part.length = 0;
      },
      'no bytes at offset 0': (part) => {
        part.offset = 0;
        part.length = 0;
      },
      'half of its bytes': (part) => {
        part.length >>= 1;
      },
      'more bytes than the file': (part) => {
        part.length = 1 << 28;
      },
    };
    for (const [name, damagePart] of Object.entries(damages)) {
      for (const index of new Set([0, count >> 1, count - 1])) {
        const damage = (parts: TiffPart[]) => {
          const part = parts[index];
          if (part) damagePart(part);
        };
        const result = await outcome(writeTiff({ ...plan, damage }));
        // libtiff reckons some lengths from the image's size: then the pixels are those that were written.
        if (result instanceof ServiceError) expectReadError(result);
        else expect(result, `${name}, part ${index} of ${count}`).toEqual(sound);
      }
    }
  });

  function countParts(plan: TiffPlan): number {
    let count = 0;
    writeTiff({
      ...plan,
      damage: (parts) => {
        count = parts.length;
      },
    });
    return count;
  }

  test.each(['strips', 'tiles'])('a changed byte of deflated %s', async (layout) => {
    const bytes = writeTiff({ ...RGB_PLAN, ...LAYOUTS[layout], compression: 'deflate' });
    const sound = await outcome(bytes);
    for (let at = 10; at < bytes.length - 400; at += 53) {
      const changed = Uint8Array.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 0x41;
      const result = await outcome(changed);
      if (result instanceof ServiceError) expectReadError(result);
      // Bits that mean nothing, such as padding.
      else expect(result, `byte ${at}`).toEqual(sound);
    }
  });
});

describe('what is not read is named', () => {
  test.each([
    ['with old-style JPEG compression', [259, 6]],
    ['with LZMA compression', [259, 34925]],
    ['with WebP compression', [259, 50001]],
    ['with compression 4711', [259, 4711]],
    ['of photometric interpretation 8', [262, 8]],
    ['of YCbCr colours without JPEG compression', [262, YCBCR]],
    ['with 12-bit samples', [258, 12]],
  ] as const)('%s', async (kind, [tag, value]) => {
    const bytes = writeTiff(RGB_PLAN);
    setShort(bytes, tag, value);
    expectReadError(await outcome(bytes), `TIFF images ${kind} are not supported.`);
  });

  /** Overwrites a tag's only value, or all of up to four, where they stand. */
  function setShort(bytes: Uint8Array, tag: number, value: number): void {
    const view = new DataView(bytes.buffer);
    const directory = view.getUint32(4, true);
    for (let entry = 0; entry < view.getUint16(directory, true); entry += 1) {
      const at = directory + 2 + entry * 12;
      if (view.getUint16(at, true) !== tag) continue;
      const count = view.getUint32(at + 4, true);
      const start = count <= 2 ? at + 8 : view.getUint32(at + 8, true);
      for (let index = 0; index < count; index += 1) view.setUint16(start + 2 * index, value, true);
    }
  }
});

test('a next page that does not exist does not matter', async () => {
  const sound = await outcome(writeTiff(RGB_PLAN));
  expect(await outcome(writeTiff({ ...RGB_PLAN, nextPage: 1 << 28 }))).toEqual(sound);
  expect(await outcome(writeTiff({ ...RGB_PLAN, nextPage: 8 }))).toEqual(sound);
});

test.each([256, 257])('a second tag %i does not change the size behind the header reader', async (tag) => {
  for (const value of [WIDTH - 1, 5000]) {
    const bytes = writeTiff({ ...RGB_PLAN, secondTag: { tag, value } });
    const { width, height } = readImageHeader(bytes);
    const result = await outcome(bytes);
    if (!(result instanceof ServiceError)) expect(result).toMatchObject({ width, height });
  }
});

test('the decoder looks at the flag that cancels a job', () => {
  const request = { width: WIDTH, height: HEIGHT, channels: 3, applyOrientation: true } as const;
  const bytes = writeTiff(RGB_PLAN);
  expect(() => addon.decodeTiff(bytes, request, Int32Array.of(1))).toThrow(
    expect.objectContaining({ code: 'CANCELLED' }),
  );
});
