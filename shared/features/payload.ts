import { z } from 'zod';
import { siftParametersSchema } from '../contract/parameters.ts';
import { extractorId, extractorSchema } from '../extractor.ts';
import { featureKey, sha256Schema } from '../feature-key.ts';
import { IMAGE_FORMATS } from '../image-header.ts';

/**
 * The features of one image as a safetensors file (https://github.com/huggingface/safetensors): an 8-byte
 * little-endian header length, a JSON header, then the tensors back to back, little-endian.
 *
 * | tensor | type, shape | meaning |
 * |---|---|---|
 * | `xy` | F32[N,2] | x to the right, y down, in pixels; the centre of the upper-left pixel is (0,0) |
 * | `size` | F32[N] | diameter of the described neighbourhood, in pixels |
 * | `angle` | F32[N] | orientation in degrees, [0,360), clockwise as seen on screen |
 * | `response` | F32[N] | contrast; keypoints are sorted by it, strongest first |
 * | `octave` | I32[N] | OpenCV's packed octave, layer and sub-layer offset |
 * | `descriptors` | U8[N,128] | OpenCV's SIFT descriptors: integers 0 to 255 |
 */
export interface Features {
  count: number;
  xy: Float32Array;
  size: Float32Array;
  angle: Float32Array;
  response: Float32Array;
  octave: Int32Array;
  descriptors: Uint8Array;
}

export const DESCRIPTOR_LENGTH = 128;

/** Bytes that one keypoint takes in the tensors, descriptor included. */
export const BYTES_PER_KEYPOINT = 8 + 4 + 4 + 4 + 4 + DESCRIPTOR_LENGTH;

export const SAFETENSORS_CONTENT_TYPE = 'application/vnd.safetensors';

const FORMAT = 'edgesift.features/1';
const COORDINATES = 'x right, y down, pixels; centre of the upper-left pixel is (0,0)';

/** The image as decoded: width and height are those after EXIF orientation. */
export const imageSchema = z.object({
  sha256: sha256Schema.describe('Of the file as uploaded'),
  format: z.enum(IMAGE_FORMATS),
  width: z.int().positive(),
  height: z.int().positive(),
  bytes: z.int().positive().describe('Length of the file'),
});

/** All that is known of a result beside its tensors. */
export const featureMetadataSchema = z.object({
  extractor: extractorSchema,
  parameters: siftParametersSchema,
  image: imageSchema,
});
export type FeatureMetadata = z.infer<typeof featureMetadataSchema>;

export function keyOf({ extractor, parameters, image }: FeatureMetadata): string {
  return featureKey(extractor, parameters, image.sha256);
}

export interface FeaturePayload {
  metadata: FeatureMetadata;
  features: Features;
}

/** A payload that breaks the format; `message` says where. */
export class PayloadError extends Error {
  override readonly name = 'PayloadError';
}

const MAX_HEADER_LENGTH = 16 * 1024;
const PREFIX_LENGTH = 8;

interface TensorLayout {
  name: keyof Omit<Features, 'count'>;
  dtype: 'F32' | 'I32' | 'U8';
  columns?: number;
  bytesPerKeypoint: number;
}

const LAYOUT: readonly TensorLayout[] = [
  { name: 'xy', dtype: 'F32', columns: 2, bytesPerKeypoint: 8 },
  { name: 'size', dtype: 'F32', bytesPerKeypoint: 4 },
  { name: 'angle', dtype: 'F32', bytesPerKeypoint: 4 },
  { name: 'response', dtype: 'F32', bytesPerKeypoint: 4 },
  { name: 'octave', dtype: 'I32', bytesPerKeypoint: 4 },
  { name: 'descriptors', dtype: 'U8', columns: DESCRIPTOR_LENGTH, bytesPerKeypoint: DESCRIPTOR_LENGTH },
];

/**
 * @param tensors the tensors of N keypoints back to back in the order of {@link Features},
 *   {@link BYTES_PER_KEYPOINT}·N bytes, as the native extractor gives them
 * @returns the safetensors file; equal arguments give equal bytes
 */
export function encodePayload(metadata: FeatureMetadata, tensors: Uint8Array): Uint8Array<ArrayBuffer> {
  const count = tensors.length / BYTES_PER_KEYPOINT;
  if (!Number.isInteger(count))
    throw new PayloadError(`${tensors.length} bytes are no whole number of keypoints`);
  const header = new TextEncoder().encode(JSON.stringify(headerOf(metadata, count)));
  const headerLength = Math.ceil(header.length / 8) * 8;
  const payload = new Uint8Array(PREFIX_LENGTH + headerLength + tensors.length);
  new DataView(payload.buffer).setBigUint64(0, BigInt(headerLength), true);
  // The format pads its header with spaces, which also aligns the tensors.
  payload.fill(0x20, PREFIX_LENGTH + header.length, PREFIX_LENGTH + headerLength);
  payload.set(header, PREFIX_LENGTH);
  payload.set(tensors, PREFIX_LENGTH + headerLength);
  return payload;
}

/**
 * Reads a payload; the tensors are views into `payload` where its alignment allows, else into one copy.
 *
 * @throws PayloadError for anything but a payload that {@link encodePayload} could have made
 */
export function decodePayload(payload: Uint8Array<ArrayBuffer>): FeaturePayload {
  const { header, tensorsAt } = splitHeader(payload);
  const metadata = metadataOf(header.__metadata__);
  const count = (payload.length - tensorsAt) / BYTES_PER_KEYPOINT;
  if (!Number.isInteger(count)) throw new PayloadError('the tensors are cut short');
  // Key order is fixed by the encoder, so equal text is equal content.
  if (JSON.stringify(header) !== JSON.stringify(headerOf(metadata, count))) {
    throw new PayloadError('the header does not describe these tensors');
  }
  return { metadata, features: tensorViews(payload, tensorsAt, count) };
}

function headerOf(metadata: FeatureMetadata, count: number): Record<string, unknown> {
  const header: Record<string, unknown> = {
    __metadata__: {
      format: FORMAT,
      key: keyOf(metadata),
      extractor: extractorId(metadata.extractor),
      parameters: JSON.stringify(metadata.parameters),
      image: JSON.stringify(metadata.image),
      coordinates: COORDINATES,
    },
  };
  let offset = 0;
  for (const { name, dtype, columns, bytesPerKeypoint } of LAYOUT) {
    const end = offset + count * bytesPerKeypoint;
    header[name] = { dtype, shape: columns ? [count, columns] : [count], data_offsets: [offset, end] };
    offset = end;
  }
  return header;
}

function splitHeader(payload: Uint8Array<ArrayBuffer>): {
  header: Record<string, unknown>;
  tensorsAt: number;
} {
  if (payload.length < PREFIX_LENGTH) throw new PayloadError('shorter than its length prefix');
  const view = new DataView(payload.buffer, payload.byteOffset, PREFIX_LENGTH);
  const headerLength = Number(view.getBigUint64(0, true));
  const tensorsAt = PREFIX_LENGTH + headerLength;
  if (headerLength > MAX_HEADER_LENGTH || tensorsAt > payload.length) {
    throw new PayloadError(`a header of ${headerLength} bytes is out of bounds`);
  }
  const text = new TextDecoder().decode(payload.subarray(PREFIX_LENGTH, tensorsAt));
  const parsed = z.record(z.string(), z.unknown()).safeParse(parseJson(text));
  if (!parsed.success) throw new PayloadError('the header is no JSON object');
  return { header: parsed.data, tensorsAt };
}

const metadataTextSchema = z.object({ extractor: z.string(), parameters: z.string(), image: z.string() });

function metadataOf(value: unknown): FeatureMetadata {
  const texts = metadataTextSchema.safeParse(value);
  if (!texts.success) throw new PayloadError('the header has no metadata of ours');
  const metadata = featureMetadataSchema.safeParse({
    extractor: texts.data.extractor,
    parameters: parseJson(texts.data.parameters),
    image: parseJson(texts.data.image),
  });
  if (!metadata.success) throw new PayloadError('the metadata is not valid');
  return metadata.data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function tensorViews(payload: Uint8Array<ArrayBuffer>, tensorsAt: number, count: number): Features {
  const aligned = (payload.byteOffset + tensorsAt) % 4 === 0;
  const tensors = aligned ? payload.subarray(tensorsAt) : payload.slice(tensorsAt);
  const { buffer, byteOffset } = tensors;
  const perKeypoint = byteOffset + 8 * count;
  return {
    count,
    xy: new Float32Array(buffer, byteOffset, 2 * count),
    size: new Float32Array(buffer, perKeypoint, count),
    angle: new Float32Array(buffer, perKeypoint + 4 * count, count),
    response: new Float32Array(buffer, perKeypoint + 8 * count, count),
    octave: new Int32Array(buffer, perKeypoint + 12 * count, count),
    descriptors: new Uint8Array(buffer, perKeypoint + 16 * count, DESCRIPTOR_LENGTH * count),
  };
}
