import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { unzipSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import { FEATURE_FILES, type FileFormat } from '../../../shared/features/files.ts';
import { floatText } from '../../../shared/features/float-text.ts';
import {
  BYTES_PER_KEYPOINT,
  decodePayload,
  encodePayload,
  type FeaturePayload,
} from '../../../shared/features/payload.ts';
import { ownImage } from '../../fixtures/images.ts';
import { metadataArbitrary } from '../../fixtures/payload-arbitraries.ts';
import { flatFeatures } from '../../formats/flat-features.ts';
import { payloadOf } from '../../formats/golden-payload.ts';
import { writeFeatureFile } from '../../formats/write-file.ts';

const image = payloadOf('png-rgb.png', ownImage('png-rgb.png'));
/** Of a ZIP archive (APPNOTE 6.3, 4.3.7): the signature, and the flag of a member whose sizes follow its data. */
const LOCAL_FILE_HEADER = 0x04034b50;
const SIZES_FOLLOW = 8;
const float = (min: number, max: number) =>
  fc.float({ min: Math.fround(min), max: Math.fround(max), noNaN: true });

/** Payloads whose numbers are in the ranges that an image's have. */
const payloadArbitrary = fc
  .tuple(
    metadataArbitrary,
    fc.array(
      fc.record({
        frame: fc.tuple(float(0, 50_000), float(0, 50_000), float(1, 5_000), float(0, 359.9), float(0, 1)),
        descriptor: fc.uint8Array({ minLength: 128, maxLength: 128 }),
      }),
      { maxLength: 5 },
    ),
  )
  .map(([metadata, keypoints]) => {
    const column = (of: (frame: number[]) => number[]) =>
      Buffer.from(Float32Array.from(keypoints.flatMap(({ frame }) => of(frame))).buffer);
    const tensors = Buffer.concat([
      column(([x = 0, y = 0]) => [x, y]),
      column(([, , size = 0]) => [size]),
      column(([, , , angle = 0]) => [angle]),
      column(([, , , , response = 0]) => [response]),
      Buffer.alloc(4 * keypoints.length),
      ...keypoints.map(({ descriptor }) => descriptor),
    ]);
    return encodePayload(metadata, new Uint8Array(tensors));
  });

const textOf = (format: FileFormat, payload: Uint8Array<ArrayBuffer>) =>
  new TextDecoder().decode(writeFeatureFile(format, payload));

/** Numbers as a reader that holds 32-bit floats has them. */
const floatsOf = (line: string) =>
  line
    .trim()
    .split(' ')
    .map((text) => Math.fround(Number(text)));

test('a float reads back from its text as the same bits', () => {
  fc.assert(
    fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
      expect(Math.fround(Number(floatText(value)))).toBe(value + 0);
    }),
    { numRuns: 10_000 },
  );
});

test('what comes in chunks has none of more than 400 kB', () => {
  const { metadata } = decodePayload(image);
  const count = 3_000;
  const payload = encodePayload(metadata, new Uint8Array(count * BYTES_PER_KEYPOINT).fill(60));
  for (const { write, hasRootSift } of Object.values(FEATURE_FILES)) {
    for (const rootSift of hasRootSift ? [false, true] : [false]) {
      const file = write(payload, { rootSift });
      if (file instanceof Uint8Array) continue;
      for (const chunk of file) expect(chunk.length).toBeLessThan(400_000);
    }
  }
});

describe('npz', () => {
  test('is a ZIP of stored arrays, each 64 bytes of header or a multiple, then the tensor', () => {
    fc.assert(
      fc.property(payloadArbitrary, (payload) => {
        const { features } = decodePayload(payload);
        const entries = unzipSync(writeFeatureFile('npz', payload));
        const names = ['metadata', 'xy', 'size', 'angle', 'response', 'octave', 'descriptors'];
        expect(Object.keys(entries)).toEqual(names.map((name) => `${name}.npy`));
        for (const name of ['xy', 'size', 'angle', 'response', 'octave', 'descriptors'] as const) {
          const file = entries[`${name}.npy`] ?? new Uint8Array();
          const tensor = features[name];
          const headerLength = 10 + ((file[8] ?? 0) | ((file[9] ?? 0) << 8));
          expect(headerLength % 64).toBe(0);
          expect([...file.subarray(headerLength)]).toEqual([
            ...new Uint8Array(tensor.buffer, tensor.byteOffset, tensor.byteLength),
          ]);
        }
      }),
      { numRuns: 30 },
    );
  });

  test('has the sizes in front of the data, so that readers need not look at the end of the file first', () => {
    const file = Buffer.from(writeFeatureFile('npz', image));
    const names: string[] = [];
    let at = 0;
    while (file.readUInt32LE(at) === LOCAL_FILE_HEADER) {
      const [flags, stored, size] = [
        file.readUInt16LE(at + 6),
        file.readUInt32LE(at + 18),
        file.readUInt32LE(at + 22),
      ];
      const nameEnd = at + 30 + file.readUInt16LE(at + 26);
      expect([flags & SIZES_FOLLOW, stored]).toEqual([0, size]);
      names.push(file.toString('latin1', at + 30, nameEnd));
      at = nameEnd + file.readUInt16LE(at + 28) + size;
    }
    expect(names).toContain('descriptors.npy');
    expect(names).toHaveLength(7);
  });
});

describe('COLMAP text', () => {
  test('has one line a keypoint: half a pixel added, scale half the size, radians; descriptors as they are', () => {
    fc.assert(
      fc.property(payloadArbitrary, (payload) => {
        const { features }: FeaturePayload = decodePayload(payload);
        const [head, ...lines] = textOf('colmap', payload).split('\n');
        expect(head).toBe(`${features.count} 128`);
        expect(lines.pop()).toBe('');
        expect(lines.length).toBe(features.count);
        for (const [index, line] of lines.entries()) {
          const [x, y, scale, orientation, ...descriptor] = floatsOf(line);
          expect(x).toBe(Math.fround((features.xy[2 * index] ?? 0) + 0.5));
          expect(y).toBe(Math.fround((features.xy[2 * index + 1] ?? 0) + 0.5));
          expect(scale).toBe(Math.fround((features.size[index] ?? 0) / 2));
          expect(orientation).toBe(Math.fround(((features.angle[index] ?? 0) * Math.PI) / 180));
          expect(descriptor).toEqual([...features.descriptors.subarray(128 * index, 128 * index + 128)]);
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe("Lowe's .key", () => {
  test('has eight lines a keypoint: row, column, scale, orientation counter-clockwise; 128 integers', () => {
    fc.assert(
      fc.property(payloadArbitrary, (payload) => {
        const { features } = decodePayload(payload);
        const lines = textOf('key', payload).split('\n');
        expect(lines.shift()).toBe(`${features.count} 128`);
        expect(lines.pop()).toBe('');
        expect(lines.length).toBe(8 * features.count);
        for (let index = 0; index < features.count; index += 1) {
          const [frame = '', ...integers] = lines.slice(8 * index, 8 * index + 8);
          const [row, column, scale, orientation = Number.NaN] = floatsOf(frame);
          expect(row).toBe(features.xy[2 * index + 1]);
          expect(column).toBe(features.xy[2 * index]);
          expect(scale).toBe(Math.fround((features.size[index] ?? 0) / 2));
          expect(Math.abs(orientation)).toBeLessThanOrEqual(Math.fround(Math.PI));
          const degrees = (orientation * 180) / Math.PI;
          const clockwise = features.angle[index] ?? 0;
          expect(Math.cos(((degrees + clockwise) * Math.PI) / 180)).toBeCloseTo(1, 9);
          expect(integers.map((line) => line.trim().split(' ').length)).toEqual([20, 20, 20, 20, 20, 20, 8]);
          expect(integers.flatMap(floatsOf)).toEqual([
            ...features.descriptors.subarray(128 * index, 128 * index + 128),
          ]);
        }
      }),
      { numRuns: 50 },
    );
  });
});

test.each([
  ['safetensors', false, '677f48087d425929fcb1ff46f39903becf83cf96e5129aa0022dccfc0df8e059'],
  ['safetensors', true, '41f753e03e85140db69932e13d587a710f3e19a179ecfed8e4221f9de9c3fbc7'],
  ['npz', false, '71b9f6b67aeec06c1e72d4d36371bca3441025727dbdfc119480b4b65c4d19e2'],
  ['npz', true, '57e3c54dbcf45fba72971967fe710589277e67f2eb0335882f15c07188bdc4ab'],
  ['colmap', false, '7c59ebff5d755bb666682aeacbb436552de39e9018c1f857ce2abcb348d78a89'],
  ['colmap', true, 'c42cec8fd496204f611707e5e0291f3a751f4b2234dc3bbd13b94efe5cc3ea2c'],
  ['key', false, 'f689dc9ccda0a06e554fe98b0c5703ffaa56e68ee6195706ea9adfa576dd1071'],
] as const)('the bytes behind an ETag are the same for ever: %s, RootSIFT %s', (format, rootSift, sha256) => {
  const file = writeFeatureFile(format, image, { rootSift });
  expect(createHash('sha256').update(file).digest('hex')).toBe(sha256);
});

test('without keypoints the texts are their first line', () => {
  expect(textOf('colmap', flatFeatures())).toBe('0 128\n');
  expect(textOf('key', flatFeatures())).toBe('0 128\n');
});
