import type { NativeMixture, NativeVehicles, NativeVocabulary } from '../origin/vehicles/native.ts';

export const DESCRIPTOR = 128;
export const PROJECTED = 64;
export const DIMENSIONS = PROJECTED + 2;
export const BLOCK_DIMENSIONS = 6;
const CLUSTERING_ROUNDS = 8;
const MAXIMISATION_ROUNDS = 9;

export interface Grid {
  longest: number;
  step: number;
  bins: Int32Array;
}

/** @param samples F32[n, 130]: descriptors with their positions */
export function fitVocabulary(
  native: NativeVehicles,
  samples: Float32Array,
  grid: Grid,
  components: number,
  seed: number,
): NativeVocabulary {
  const width = DESCRIPTOR + 2;
  const count = samples.length / width;
  const descriptors = new Float32Array(count * DESCRIPTOR);
  for (let i = 0; i < count; i++) {
    descriptors.set(samples.subarray(i * width, i * width + DESCRIPTOR), i * DESCRIPTOR);
  }
  const { matrix, mean } = native.fitProjection(descriptors);
  const projected = new Float32Array(count * DIMENSIONS);
  for (let i = 0; i < count; i++) {
    const row = projected.subarray(i * DIMENSIONS, (i + 1) * DIMENSIONS);
    project(descriptors.subarray(i * DESCRIPTOR, (i + 1) * DESCRIPTOR), matrix, mean, row);
    row.set(samples.subarray(i * width + DESCRIPTOR, (i + 1) * width), PROJECTED);
  }
  const mixture = native.fitMixture(
    projected,
    DIMENSIONS,
    components,
    seed,
    CLUSTERING_ROUNDS,
    MAXIMISATION_ROUNDS,
  );
  return {
    longest: grid.longest,
    step: grid.step,
    bin_sizes: grid.bins,
    projection: matrix,
    mean,
    ...mixture,
  };
}

/** @param blocks F32[n, 6] */
export function fitColours(
  native: NativeVehicles,
  blocks: Float32Array,
  components: number,
  seed: number,
): NativeMixture {
  return native.fitMixture(
    blocks,
    BLOCK_DIMENSIONS,
    components,
    seed,
    CLUSTERING_ROUNDS,
    MAXIMISATION_ROUNDS,
  );
}

/** Numbers of a vocabulary one after the other, as a run keeps them in a file. */
export function flattenVocabulary({ projection, mean, ...mixture }: NativeVocabulary): Float32Array {
  return Float32Array.from([...projection, ...mean, ...flattenMixture(mixture)]);
}

export function flattenMixture({ weights, means, variances }: NativeMixture): Float32Array {
  return Float32Array.from([...weights, ...means, ...variances]);
}

export function unflattenVocabulary(values: Float32Array, grid: Grid): NativeVocabulary {
  const matrixEnd = DESCRIPTOR * PROJECTED;
  return {
    longest: grid.longest,
    step: grid.step,
    bin_sizes: grid.bins,
    projection: values.slice(0, matrixEnd),
    mean: values.slice(matrixEnd, matrixEnd + DESCRIPTOR),
    ...unflattenMixture(values.slice(matrixEnd + DESCRIPTOR), DIMENSIONS),
  };
}

export function unflattenMixture(values: Float32Array, dimensions: number): NativeMixture {
  const components = values.length / (1 + 2 * dimensions);
  const meansEnd = components * (1 + dimensions);
  return {
    weights: values.slice(0, components),
    means: values.slice(components, meansEnd),
    variances: values.slice(meansEnd),
  };
}

function project(
  descriptor: Float32Array,
  matrix: Float32Array,
  mean: Float32Array,
  out: Float32Array,
): void {
  out.fill(0);
  for (let k = 0; k < DESCRIPTOR; k++) {
    const value = (descriptor[k] ?? 0) - (mean[k] ?? 0);
    for (let n = 0; n < PROJECTED; n++) out[n] = (out[n] ?? 0) + value * (matrix[k * PROJECTED + n] ?? 0);
  }
}
