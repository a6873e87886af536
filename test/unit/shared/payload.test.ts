import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  BYTES_PER_KEYPOINT,
  decodePayload,
  encodePayload,
  keyOf,
  rootSiftPayload,
} from '../../../shared/features/payload.ts';
import { SafetensorsError, splitSafetensors } from '../../../shared/features/safetensors.ts';
import { joinBytes } from '../../fixtures/join-bytes.ts';
import { metadataArbitrary, tensorsArbitrary } from '../../fixtures/payload-arbitraries.ts';

function decodeOrError(bytes: Uint8Array<ArrayBuffer>) {
  try {
    return decodePayload(bytes);
  } catch (error) {
    if (error instanceof SafetensorsError) return error;
    throw error;
  }
}

describe('payload', () => {
  test('gives back what went in, at any alignment', () => {
    fc.assert(
      fc.property(metadataArbitrary, tensorsArbitrary, fc.nat(7), (metadata, tensors, shift) => {
        const payload = encodePayload(metadata, tensors);
        const shifted = new Uint8Array(payload.length + shift);
        shifted.set(payload, shift);
        const decoded = decodePayload(shifted.subarray(shift));
        expect(decoded.metadata).toEqual(metadata);
        const { count, xy, size, angle, response, octave, descriptors } = decoded.features;
        expect(count).toBe(tensors.length / BYTES_PER_KEYPOINT);
        const joined = [xy, size, angle, response, octave, descriptors].flatMap((tensor) => [
          ...new Uint8Array(tensor.buffer, tensor.byteOffset, tensor.byteLength),
        ]);
        expect(joined).toEqual([...tensors]);
      }),
    );
  });

  test('is the same bytes for the same content', () => {
    fc.assert(
      fc.property(metadataArbitrary, tensorsArbitrary, (metadata, tensors) => {
        const again = structuredClone(metadata);
        expect(encodePayload(again, tensors)).toEqual(encodePayload(metadata, tensors));
      }),
    );
  });

  test('is a safetensors file by the book: aligned, contiguous, described completely', () => {
    const [metadata, tensors] = fc.sample(fc.tuple(metadataArbitrary, tensorsArbitrary), 1)[0] ?? [];
    if (!metadata || !tensors) throw new Error('no sample');
    const payload = encodePayload(metadata, tensors);
    const headerLength = Number(new DataView(payload.buffer).getBigUint64(0, true));
    expect(headerLength % 8).toBe(0);
    const { header } = splitSafetensors(payload);
    expect(header.__metadata__).toMatchObject({ key: keyOf(metadata), format: 'edgesift.features/1' });
    const count = tensors.length / BYTES_PER_KEYPOINT;
    expect(header.xy).toEqual({ dtype: 'F32', shape: [count, 2], data_offsets: [0, 8 * count] });
    expect(header.octave).toEqual({ dtype: 'I32', shape: [count], data_offsets: [20 * count, 24 * count] });
    expect(header.descriptors).toEqual({
      dtype: 'U8',
      shape: [count, 128],
      data_offsets: [24 * count, 152 * count],
    });
  });

  test('is refused when cut short or prolonged anywhere', () => {
    const [metadata] = fc.sample(metadataArbitrary, 1);
    if (!metadata) throw new Error('no sample');
    const payload = encodePayload(metadata, new Uint8Array(2 * BYTES_PER_KEYPOINT).fill(7));
    for (let length = 0; length < payload.length; length += 1) {
      expect(decodeOrError(payload.slice(0, length)), `length ${length}`).toBeInstanceOf(SafetensorsError);
    }
    expect(decodeOrError(new Uint8Array([...payload, 0]))).toBeInstanceOf(SafetensorsError);
  });

  test('any changed byte of the header is refused or changes nothing but the metadata', () => {
    fc.assert(
      fc.property(
        metadataArbitrary,
        tensorsArbitrary,
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (metadata, tensors, at, by) => {
          const payload = encodePayload(metadata, tensors);
          const headerEnd = payload.length - tensors.length;
          const position = at % headerEnd;
          payload[position] = ((payload[position] ?? 0) + by) % 256;
          const decoded = decodeOrError(payload);
          if (decoded instanceof SafetensorsError) return;
          expect(decoded.features.count).toBe(tensors.length / BYTES_PER_KEYPOINT);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test('random bytes never do worse than a SafetensorsError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(decodeOrError(new Uint8Array(bytes))).toBeInstanceOf(SafetensorsError);
      }),
      { numRuns: 5_000 },
    );
  });

  test('a header length near 2^64 is refused before anything is allocated', () => {
    const bytes = new Uint8Array(64).fill(0xff);
    expect(decodeOrError(bytes)).toBeInstanceOf(SafetensorsError);
  });
});

describe('RootSIFT view', () => {
  test('keeps the keypoints; rows have unit length, equal to sqrt(d / sum)', () => {
    fc.assert(
      fc.property(metadataArbitrary, tensorsArbitrary, (metadata, tensors) => {
        const payload = decodePayload(encodePayload(metadata, tensors));
        const { count, descriptors } = payload.features;
        const { header, data } = splitSafetensors(joinBytes(rootSiftPayload(payload)));
        expect(header.descriptors).toMatchObject({ dtype: 'F32', shape: [count, 128] });
        expect([...data.subarray(0, 24 * count)]).toEqual([...tensors.subarray(0, 24 * count)]);
        const rooted = new Float32Array(data.slice(24 * count).buffer);
        for (let row = 0; row < count; row += 1) {
          const integers = descriptors.subarray(row * 128, row * 128 + 128);
          const sum = integers.reduce((total, value) => total + value, 0);
          const expected = Array.from(integers, (value) =>
            Math.fround(sum === 0 ? 0 : Math.sqrt(value / sum)),
          );
          expect([...rooted.subarray(row * 128, row * 128 + 128)]).toEqual(expected);
        }
      }),
    );
  });
});
