import * as z from 'zod';
import { siftParametersSchema } from '../contract/parameters.ts';
import { extractorId, extractorSchema } from '../extractor.ts';
import { featureKey, sha256Schema } from '../feature-key.ts';
import { FEATURE_IMAGE_FORMATS } from '../image-header.ts';
import { DESCRIPTOR_LENGTH, descriptorChunks } from './descriptor.ts';
import { rootSift } from './root-sift.ts';
import {
  encodeSafetensors,
  encodeSafetensorsHead,
  parseJson,
  SafetensorsError,
  safetensorsHeader,
  splitSafetensors,
  type Tensor,
} from './safetensors.ts';

/**
 * The features of one image, stored and moved as a safetensors file of these tensors.
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

/** Bytes that one keypoint takes in the tensors, descriptor included. */
export const BYTES_PER_KEYPOINT = 8 + 4 + 4 + 4 + 4 + DESCRIPTOR_LENGTH;

const FORMAT = 'edgesift.features/1';
const COORDINATES = 'x right, y down, pixels; centre of the upper-left pixel is (0,0)';

/** The image as decoded: width and height are those after EXIF orientation. */
export const imageSchema = z.object({
  sha256: sha256Schema.describe('Of the file as uploaded'),
  format: z.enum(FEATURE_IMAGE_FORMATS),
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

function tensorsOf(count: number): Tensor[] {
  return [
    { name: 'xy', dtype: 'F32', shape: [count, 2] },
    { name: 'size', dtype: 'F32', shape: [count] },
    { name: 'angle', dtype: 'F32', shape: [count] },
    { name: 'response', dtype: 'F32', shape: [count] },
    { name: 'octave', dtype: 'I32', shape: [count] },
    { name: 'descriptors', dtype: 'U8', shape: [count, DESCRIPTOR_LENGTH] },
  ];
}

/**
 * @param tensors the tensors of N keypoints back to back in the order of {@link Features},
 *   {@link BYTES_PER_KEYPOINT}·N bytes, as the native extractor gives them
 * @returns the safetensors file; equal arguments give equal bytes
 */
export function encodePayload(metadata: FeatureMetadata, tensors: Uint8Array): Uint8Array<ArrayBuffer> {
  const count = tensors.length / BYTES_PER_KEYPOINT;
  if (!Number.isInteger(count)) throw new SafetensorsError('the tensors are no whole number of keypoints');
  return encodeSafetensors(metadataTexts(metadata), tensorsOf(count), [tensors]);
}

/**
 * Reads a payload; the tensors are views into `payload` where its alignment allows, else into one copy.
 *
 * @throws SafetensorsError for anything but a payload that {@link encodePayload} could have made
 */
export function decodePayload(payload: Uint8Array<ArrayBuffer>): FeaturePayload {
  const { header, data } = splitSafetensors(payload);
  const metadata = metadataFrom(header.__metadata__);
  const count = data.length / BYTES_PER_KEYPOINT;
  if (!Number.isInteger(count)) throw new SafetensorsError('the tensors are cut short');
  const expected = safetensorsHeader(metadataTexts(metadata), tensorsOf(count));
  // The encoder fixes the order of the fields, so equal text is equal content.
  if (JSON.stringify(header) !== JSON.stringify(expected)) {
    throw new SafetensorsError('the header does not describe these tensors');
  }
  return { metadata, features: tensorViews(data, count) };
}

/** The payload with its descriptors as RootSIFT: the same file but for `descriptors` F32[N,128], in chunks. */
export function* rootSiftPayload({ metadata, features }: FeaturePayload): Generator<Uint8Array> {
  const { count, xy, descriptors } = features;
  const tensors = tensorsOf(count).map((tensor) =>
    tensor.name === 'descriptors' ? { ...tensor, dtype: 'F32' as const } : tensor,
  );
  yield encodeSafetensorsHead({ ...metadataTexts(metadata), descriptors: 'RootSIFT' }, tensors);
  yield new Uint8Array(xy.buffer, xy.byteOffset, count * (BYTES_PER_KEYPOINT - DESCRIPTOR_LENGTH));
  for (const chunk of descriptorChunks(descriptors)) yield new Uint8Array(rootSift(chunk).buffer);
}

/** What a file of any format says about the features in it. */
export function describeFeatures(metadata: FeatureMetadata) {
  return {
    format: FORMAT,
    key: keyOf(metadata),
    extractor: extractorId(metadata.extractor),
    parameters: metadata.parameters,
    image: metadata.image,
    coordinates: COORDINATES,
  };
}

function metadataTexts(metadata: FeatureMetadata): Record<string, string> {
  const entries = Object.entries(describeFeatures(metadata));
  return Object.fromEntries(
    entries.map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  );
}

const metadataTextSchema = z.object({ extractor: z.string(), parameters: z.string(), image: z.string() });

function metadataFrom(value: unknown): FeatureMetadata {
  const texts = metadataTextSchema.safeParse(value);
  if (!texts.success) throw new SafetensorsError('the header has no metadata of ours');
  const metadata = featureMetadataSchema.safeParse({
    extractor: texts.data.extractor,
    parameters: parseJson(texts.data.parameters),
    image: parseJson(texts.data.image),
  });
  if (!metadata.success) throw new SafetensorsError('the metadata is not valid');
  return metadata.data;
}

/** `data` is aligned to 4 bytes, as {@link splitSafetensors} gives it. */
function tensorViews({ buffer, byteOffset }: Uint8Array<ArrayBuffer>, count: number): Features {
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
