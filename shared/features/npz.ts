import { DESCRIPTOR_LENGTH, descriptorChunks } from './descriptor.ts';
import { describeFeatures, type FeaturePayload } from './payload.ts';
import { rootSift } from './root-sift.ts';
import { storedZip } from './zip.ts';

/** An array of an archive: NumPy's type string, C-order shape, and the little-endian bytes in chunks. */
interface NpzArray {
  name: string;
  descr: string;
  shape: readonly number[];
  /** The same at each call. */
  chunks: () => Iterable<Uint8Array>;
}

/**
 * The features as NumPy's `.npz`: the payload's tensors under their names, and `metadata`, a 0-dimensional string
 * array that holds JSON. Entries are stored, not deflated, with a fixed date: equal features give equal bytes.
 *
 * @returns the file in chunks, which are views of `features` where they can be
 */
export function* npzFile(
  { metadata, features }: FeaturePayload,
  options: { rootSift: boolean },
): Generator<Uint8Array> {
  const description = {
    ...describeFeatures(metadata),
    descriptors: options.rootSift ? 'RootSIFT' : 'SIFT',
  };
  const { count, xy, size, angle, response, octave, descriptors } = features;
  const arrays: NpzArray[] = [
    textArray('metadata', JSON.stringify(description)),
    { name: 'xy', descr: '<f4', shape: [count, 2], chunks: () => [bytesOf(xy)] },
    { name: 'size', descr: '<f4', shape: [count], chunks: () => [bytesOf(size)] },
    { name: 'angle', descr: '<f4', shape: [count], chunks: () => [bytesOf(angle)] },
    { name: 'response', descr: '<f4', shape: [count], chunks: () => [bytesOf(response)] },
    { name: 'octave', descr: '<i4', shape: [count], chunks: () => [bytesOf(octave)] },
    {
      name: 'descriptors',
      descr: options.rootSift ? '<f4' : '|u1',
      shape: [count, DESCRIPTOR_LENGTH],
      chunks: () => (options.rootSift ? rootSiftChunks(descriptors) : descriptorChunks(descriptors)),
    },
  ];
  yield* storedZip(
    arrays.map(({ name, descr, shape, chunks }) => ({
      name: `${name}.npy`,
      chunks: () => npyFile(npyHeader(descr, shape), chunks()),
    })),
  );
}

function* rootSiftChunks(descriptors: Uint8Array): Generator<Uint8Array> {
  for (const chunk of descriptorChunks(descriptors)) yield bytesOf(rootSift(chunk));
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array | Int32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** NumPy holds text as UTF-32. */
function textArray(name: string, text: string): NpzArray {
  const codePoints = Int32Array.from(text, (character) => character.codePointAt(0) ?? 0);
  return { name, descr: `<U${codePoints.length}`, shape: [], chunks: () => [bytesOf(codePoints)] };
}

function* npyFile(header: Uint8Array, chunks: Iterable<Uint8Array>): Generator<Uint8Array> {
  yield header;
  yield* chunks;
}

const NPY_MAGIC = '\x93NUMPY';
const NPY_VERSION = '\x01\x00';
const NPY_ALIGNMENT = 64;

/** Version 1.0 of NumPy's file format (numpy.lib.format): a Python literal that pads the data's start to 64 bytes. */
function npyHeader(descr: string, shape: readonly number[]): Uint8Array {
  const extents = shape.map((extent) => `${extent},`).join(' ');
  const literal = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${extents}), }`;
  const prefixLength = NPY_MAGIC.length + NPY_VERSION.length + 2;
  const length = Math.ceil((prefixLength + literal.length + 1) / NPY_ALIGNMENT) * NPY_ALIGNMENT;
  const literalLength = length - prefixLength;
  const lengthBytes = String.fromCharCode(literalLength & 0xff, literalLength >> 8);
  const text = `${NPY_MAGIC}${NPY_VERSION}${lengthBytes}${literal.padEnd(literalLength - 1)}\n`;
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
