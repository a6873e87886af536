import * as z from 'zod';
import {
  BYTES_PER_ELEMENT,
  parseJson,
  SafetensorsError,
  splitSafetensors,
} from '../../shared/features/safetensors.ts';
import { ModelError } from './model-error.ts';
import { MODEL_FORMAT, type ModelMetadata, modelMetadataSchema } from './model-metadata.ts';
import type { NativeMixture, NativeModel, NativeVocabulary } from './native.ts';

/** Key of {@link ModelMetadata} in the safetensors metadata. */
export const METADATA_KEY = 'edgesift_vehicles';
export const MOST_MODEL_BYTES = 64 * 1024 * 1024;
const MOST_HEADER_BYTES = 2 * 1024 * 1024;

const PROJECTED = 64;
const DIMENSIONS = PROJECTED + 2;
const SEARCH_WEIGHTS = PROJECTED + 1;
const BLOCK_DIMENSIONS = 6;
const HISTOGRAM_BINS = 567;

const tensorSchema = z.object({
  dtype: z.enum(['F32', 'U8', 'I8']),
  shape: z.array(z.int().nonnegative()).max(4),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
});
const headerSchema = z.object({ __metadata__: z.record(z.string(), z.string()) }).catchall(tensorSchema);
type Tensors = Map<string, { entry: z.infer<typeof tensorSchema>; bytes: Uint8Array<ArrayBuffer> }>;

/** A model file taken apart. */
export interface ModelFile {
  metadata: ModelMetadata;
  vocabulary: NativeVocabulary;
  model: NativeModel;
}

/**
 * Takes a model file apart and checks that everything in it fits together before anything is computed with it.
 *
 * @throws ModelError
 */
export function readModelFile(bytes: Uint8Array<ArrayBuffer>): ModelFile {
  if (bytes.length > MOST_MODEL_BYTES)
    throw new ModelError(`${bytes.length} bytes are more than a model has`);
  const { metadata, tensors } = takeApart(bytes);
  const components = shapeOf(tensors, 'mixture.weights')[0] ?? 0;
  const length = padded(components * 2 * DIMENSIONS);
  const rows = Object.values(metadata.heads).reduce((sum, { count }) => sum + count, 0);
  checkHeads(metadata, rows);
  checkAttributes(metadata);
  const vocabulary: NativeVocabulary = {
    longest: metadata.encoder.longest,
    step: metadata.encoder.step,
    bin_sizes: Int32Array.from(metadata.encoder.bin_sizes),
    projection: floats(tensors, 'projection', [128, PROJECTED]),
    mean: floats(tensors, 'mean', [128]),
    ...mixture(tensors, 'mixture', components, DIMENSIONS),
  };
  const classes = metadata.heads.class?.count ?? 0;
  const firstClass = metadata.heads.class?.first ?? 0;
  const model: NativeModel = {
    packed: take(tensors, 'heads.weights', 'U8', [rows, length / 2]),
    scales: floats(tensors, 'heads.scales', [rows]),
    biases: floats(tensors, 'heads.biases', [rows]),
    vehicle_row: metadata.heads.vehicle?.first ?? -1,
    margins_row: metadata.heads.margins?.first ?? -1,
    class_rows: Int32Array.from({ length: classes }, (_, index) => firstClass + index),
    factors: Float32Array.from(classes > 0 ? [1] : []),
    ...(metadata.search && {
      search: {
        ...metadata.search,
        weights: floats(tensors, 'search.weights', [components, SEARCH_WEIGHTS]),
      },
    }),
    ...(metadata.attributes.color && {
      colour: colourModel(tensors, metadata.attributes.color.labels.length),
    }),
  };
  return { metadata, vocabulary, model };
}

function takeApart(bytes: Uint8Array<ArrayBuffer>): { metadata: ModelMetadata; tensors: Tensors } {
  const { header, data } = split(bytes);
  const parsed = headerSchema.safeParse(header);
  if (!parsed.success)
    throw new ModelError(`the header is not that of a model: ${z.prettifyError(parsed.error)}`);
  const { __metadata__: texts, ...entries } = parsed.data;
  const metadata = modelMetadataSchema.safeParse(parseJson(texts[METADATA_KEY] ?? ''));
  if (!metadata.success) {
    throw new ModelError(`not a vehicle model of format ${MODEL_FORMAT}: ${z.prettifyError(metadata.error)}`);
  }
  const tensors: Tensors = new Map();
  for (const [name, entry] of Object.entries(entries)) {
    const [begin, end] = entry.data_offsets;
    const size = entry.shape.reduce((product, extent) => product * extent, BYTES_PER_ELEMENT[entry.dtype]);
    if (begin > end || end > data.length || end - begin !== size) {
      throw new ModelError(`tensor ${name}: offsets ${begin} to ${end} do not hold ${size} bytes`);
    }
    tensors.set(name, { entry, bytes: data.subarray(begin, end) });
  }
  return { metadata: metadata.data, tensors };
}

function split(bytes: Uint8Array<ArrayBuffer>) {
  try {
    return splitSafetensors(bytes, MOST_HEADER_BYTES);
  } catch (cause) {
    if (cause instanceof SafetensorsError)
      throw new ModelError(`not a safetensors file: ${cause.message}`, { cause });
    throw cause;
  }
}

/** Every row of the weights belongs to one head. */
function checkHeads({ heads }: ModelMetadata, rows: number): void {
  const inOrder = Object.values(heads).toSorted((a, b) => a.first - b.first);
  let next = 0;
  for (const { first, count } of inOrder) {
    if (first !== next) throw new ModelError('the heads overlap or leave gaps');
    next += count;
  }
  if (next !== rows || (heads.vehicle?.count ?? 1) !== 1 || (heads.margins?.count ?? 4) !== 4) {
    throw new ModelError('a head has the wrong number of rows');
  }
}

function checkAttributes({ attributes, heads }: ModelMetadata): void {
  for (const [
    name,
    { labels, of_class: ofClass, training_distribution: shares, calibration },
  ] of Object.entries(attributes)) {
    if (shares.length !== labels.length) throw new ModelError(`${name}: as many shares as labels are needed`);
    if (calibration.from.length !== calibration.to.length)
      throw new ModelError(`${name}: uneven calibration`);
    if (ofClass !== undefined) {
      const fits = ofClass.length === heads.class?.count && ofClass.every((label) => label < labels.length);
      if (!fits) throw new ModelError(`${name}: does not fit the classes`);
    } else if (name !== 'color' && heads[name]?.count !== labels.length) {
      throw new ModelError(`${name}: has no head with a row for each label`);
    }
  }
}

function colourModel(tensors: Tensors, labels: number): NonNullable<NativeModel['colour']> {
  const components = shapeOf(tensors, 'colour.mixture.weights')[0] ?? 0;
  const samples = shapeOf(tensors, 'colour.rows')[0] ?? 0;
  const rows = take(tensors, 'colour.rows', 'I8', [
    samples,
    padded(components * 2 * BLOCK_DIMENSIONS + HISTOGRAM_BINS),
  ]);
  return {
    ...mixture(tensors, 'colour.mixture', components, BLOCK_DIMENSIONS),
    rows: new Int8Array(rows.buffer, rows.byteOffset, rows.length),
    row_scales: floats(tensors, 'colour.row_scales', [samples]),
    coefficients: floats(tensors, 'colour.coefficients', [samples, labels]),
    biases: floats(tensors, 'colour.biases', [labels]),
  };
}

function mixture(tensors: Tensors, name: string, components: number, dimensions: number): NativeMixture {
  return {
    weights: floats(tensors, `${name}.weights`, [components]),
    means: floats(tensors, `${name}.means`, [components, dimensions]),
    variances: floats(tensors, `${name}.variances`, [components, dimensions]),
  };
}

function floats(tensors: Tensors, name: string, shape: readonly number[]): Float32Array {
  const bytes = take(tensors, name, 'F32', shape);
  // A copy: the view may lie anywhere in the file.
  const values = new Float32Array(bytes.slice().buffer);
  if (!values.every(Number.isFinite))
    throw new ModelError(`tensor ${name}: holds values that are not finite`);
  return values;
}

function take(
  tensors: Tensors,
  name: string,
  dtype: 'F32' | 'U8' | 'I8',
  shape: readonly number[],
): Uint8Array<ArrayBuffer> {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw new ModelError(`tensor ${name} is missing`);
  const { entry, bytes } = tensor;
  if (entry.dtype !== dtype || entry.shape.join() !== shape.join()) {
    throw new ModelError(`tensor ${name}: is ${entry.dtype} [${entry.shape}], not ${dtype} [${shape}]`);
  }
  return bytes;
}

function shapeOf(tensors: Tensors, name: string): readonly number[] {
  return tensors.get(name)?.entry.shape ?? [];
}

function padded(length: number): number {
  return Math.ceil(length / 64) * 64;
}
