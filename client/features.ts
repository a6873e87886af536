import { DESCRIPTOR_LENGTH } from '../shared/features/descriptor.ts';
import { isRecord, parseJson, splitSafetensors } from '../shared/features/safetensors.ts';
import type { DetectResponse } from './contract.ts';
import { EdgesiftError } from './errors.ts';

/**
 * The features of one image: N keypoints, strongest first, in typed arrays that view the bytes of the response.
 * Coordinates are in pixels; the centre of the upper-left pixel is (0,0).
 */
export interface ImageFeatures {
  /** N, the number of keypoints. */
  count: number;
  /** F32[N,2]: x to the right, y down, in pixels. */
  xy: Float32Array<ArrayBuffer>;
  /** F32[N]: diameter of the described neighbourhood, in pixels. */
  size: Float32Array<ArrayBuffer>;
  /** F32[N]: orientation in degrees, [0, 360), clockwise as seen on screen. */
  angle: Float32Array<ArrayBuffer>;
  /** F32[N]: contrast. */
  response: Float32Array<ArrayBuffer>;
  /** I32[N]: OpenCV's packed octave, layer and sub-layer offset. */
  octave: Int32Array<ArrayBuffer>;
  /** U8[N,128], integers 0 to 255; with `root_sift` F32[N,128], rows of unit length. */
  descriptors: Uint8Array<ArrayBuffer> | Float32Array<ArrayBuffer>;
  image: DetectResponse['image'];
  /** As in `edgesift@1`. */
  extractor: string;
  /** Names the result completely: equal keys have equal bytes. */
  key: string;
  /** The safetensors file that the arrays view, to be written to disk as it is. */
  file: Uint8Array<ArrayBuffer>;
}

/**
 * Reads a safetensors file of the service, without a copy of its tensors.
 *
 * @throws EdgesiftError `UNEXPECTED_RESPONSE` for a file that is damaged or not of the service
 */
export function readFeatures(file: Uint8Array<ArrayBuffer>): ImageFeatures {
  try {
    return featuresIn(file);
  } catch (cause) {
    const message = `These features cannot be read: ${cause instanceof Error ? cause.message : cause}.`;
    throw new EdgesiftError('UNEXPECTED_RESPONSE', message, { cause });
  }
}

function featuresIn(file: Uint8Array<ArrayBuffer>): ImageFeatures {
  const { header, data } = splitSafetensors(file);
  const metadata = header.__metadata__;
  if (!isRecord(metadata)) throw new Error('the header has no metadata');
  const tensor = (name: string) => locate(header, name, data.length);
  const count = tensor('size').shape[0] ?? 0;
  const floats = (name: string, shape: readonly number[]) => {
    const { begin } = expectShape(tensor(name), name, 'F32', shape);
    return new Float32Array(data.buffer, data.byteOffset + begin, product(shape));
  };
  const octave = expectShape(tensor('octave'), 'octave', 'I32', [count]);
  return {
    count,
    xy: floats('xy', [count, 2]),
    size: floats('size', [count]),
    angle: floats('angle', [count]),
    response: floats('response', [count]),
    octave: new Int32Array(data.buffer, data.byteOffset + octave.begin, count),
    descriptors:
      tensor('descriptors').dtype === 'F32'
        ? floats('descriptors', [count, DESCRIPTOR_LENGTH])
        : bytes(data, tensor('descriptors'), count),
    image: imageIn(metadata),
    extractor: String(metadata.extractor),
    key: String(metadata.key),
    file,
  };
}

const BYTES_PER_ELEMENT: Readonly<Record<string, number>> = { F32: 4, I32: 4, U8: 1 };

interface TensorLocation {
  dtype: string;
  shape: number[];
  /** Offset into the data, in bytes. */
  begin: number;
}

function bytes(
  data: Uint8Array<ArrayBuffer>,
  tensor: TensorLocation,
  count: number,
): Uint8Array<ArrayBuffer> {
  const { begin } = expectShape(tensor, 'descriptors', 'U8', [count, DESCRIPTOR_LENGTH]);
  return data.subarray(begin, begin + count * DESCRIPTOR_LENGTH);
}

/** Checks that the tensor lies within the data and is as long as its shape says. */
function locate(header: Record<string, unknown>, name: string, dataLength: number): TensorLocation {
  const entry = header[name];
  if (!isRecord(entry)) throw new Error(`there is no tensor ${name}`);
  const { dtype, shape, data_offsets: offsets } = entry;
  const elementLength = typeof dtype === 'string' ? BYTES_PER_ELEMENT[dtype] : undefined;
  if (typeof dtype !== 'string' || elementLength === undefined || !isSizes(shape) || !isSizes(offsets)) {
    throw new Error(`tensor ${name} is not described as it should be`);
  }
  const [begin = 0, end = 0] = offsets;
  if (end > dataLength || end - begin !== product(shape) * elementLength) {
    throw new Error(`tensor ${name} is cut short`);
  }
  return { dtype, shape, begin };
}

function expectShape(
  tensor: TensorLocation,
  name: string,
  dtype: string,
  shape: readonly number[],
): TensorLocation {
  if (tensor.dtype === dtype && String(tensor.shape) === String(shape)) return tensor;
  throw new Error(`tensor ${name} is ${tensor.dtype}[${tensor.shape}] instead of ${dtype}[${shape}]`);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function product(shape: readonly number[]): number {
  return shape.reduce((total, extent) => total * extent, 1);
}

function imageIn(metadata: Record<string, unknown>): DetectResponse['image'] {
  const image = parseJson(String(metadata.image));
  if (!isImage(image)) throw new Error('the metadata has no image');
  return image;
}

function isImage(value: unknown): value is DetectResponse['image'] {
  return isRecord(value) && typeof value.sha256 === 'string' && typeof value.width === 'number';
}
