import { createRequire } from 'node:module';
import { ADDON_PATH, type PixelImage } from '../native/addon.ts';
import type { Box, ImageFigures } from './classifier.ts';

/** What descriptors are encoded with. */
export interface NativeVocabulary {
  longest: number;
  step: number;
  bin_sizes: Int32Array;
  /** F32[128, 64]. */
  projection: Float32Array;
  /** F32[128]. */
  mean: Float32Array;
  /** F32[K], F32[K, 66], F32[K, 66]. */
  weights: Float32Array;
  means: Float32Array;
  variances: Float32Array;
}

/** Mixture of Gaussians over colour blocks: F32[K], F32[K, 6], F32[K, 6]. */
export interface NativeMixture {
  weights: Float32Array;
  means: Float32Array;
  variances: Float32Array;
}

export interface NativeModel {
  /** U8[rows, length / 2]: two weights a byte. */
  packed: Uint8Array;
  scales: Float32Array;
  biases: Float32Array;
  /** -1 where there is none. */
  vehicle_row: number;
  margins_row: number;
  /** I32[classes, terms]: rows whose scores, times `factors` F32[terms], are the logit of a class. */
  class_rows: Int32Array;
  factors: Float32Array;
  search?: { weights: Float32Array; limit: number; offset: number };
  colour?: NativeMixture & {
    /** I8[samples, length], times `row_scales`. */
    rows: Int8Array;
    row_scales: Float32Array;
    /** F32[samples, colours]. */
    coefficients: Float32Array;
    biases: Float32Array;
  };
}

export interface NativeResult {
  box: Box;
  boxSource: 'caller' | 'found' | 'whole';
  scores: Float64Array;
  logits: Float64Array;
  colours: Float64Array;
  figures: ImageFigures;
  /** Nothing can be seen in the box: no descriptor has any content. */
  empty: boolean;
  explanation?: {
    classIndex: number;
    columns: number;
    rows: number;
    values: Float32Array;
    logit: number;
    bias: number;
  };
  searchMs: number;
  encodeMs: number;
  scoreMs: number;
}

/** Value i of an encoding is about values[i] · scale. */
export interface NativeEncoding {
  joined: Int16Array;
  joinedScale: number;
  /** Of the image alone, without its mirror image. */
  single: Int16Array;
  singleScale: number;
}

export interface NativeClassifier {
  /** Of an encoding. */
  readonly length: number;
  /** @param cancelled as of `NativeAddon.extract` */
  classify(image: PixelImage, box: Box | undefined, explain: boolean, cancelled?: Int32Array): NativeResult;
  encode(image: PixelImage): NativeEncoding;
  /** F32[n, 80]: see training/search_training.hpp. */
  sampleSearch(image: PixelImage, longest: number, count: number, seed: number): Float32Array;
}

/** The vehicle part of the addon; origin/native/vehicles says what each function computes. All block. */
export interface NativeVehicles {
  VehicleClassifier: new (vocabulary: NativeVocabulary, model: NativeModel) => NativeClassifier;
  /** F32[n, 130]: descriptor, position. */
  sampleDescriptors(
    image: PixelImage,
    longest: number,
    binSizes: Int32Array,
    step: number,
    count: number,
    seed: number,
  ): Float32Array;
  fitProjection(descriptors: Float32Array): { matrix: Float32Array; mean: Float32Array };
  fitMixture(
    samples: Float32Array,
    dimensions: number,
    components: number,
    seed: number,
    clusteringRounds: number,
    maximisationRounds: number,
  ): NativeMixture;
  trainSearch(
    samples: Float32Array,
    positives: number,
    components: number,
    epochs: number,
    seed: number,
  ): Float32Array;
  gram(values: Int16Array, scales: Float32Array, threads: number): Float32Array;
  combine(
    values: Int16Array,
    scales: Float32Array,
    coefficients: Float32Array,
    columns: number,
    threads: number,
  ): Float32Array;
  /** Product of F32[rows, depth] and F32[depth, columns]. */
  multiply(a: Float32Array, b: Float32Array, depth: number, threads: number): Float32Array;
  /** F32[rows, columns] both; `leftOut`: scores by a regression on the other groups. */
  solve(
    kernel: Float32Array,
    rows: Uint32Array,
    groups: Uint32Array,
    penalties: Float32Array,
    targets: Float32Array,
    columns: number,
    threads: number,
  ): { coefficients: Float32Array; leftOut: Float32Array };
  /** F32[576, 6]. */
  colourBlocks(image: PixelImage): Float32Array;
  describeColour(image: PixelImage, vocabulary: NativeMixture): { values: Int16Array; scale: number };
}

/** @throws Error that says how to build the addon */
export function loadNativeVehicles(path: string = ADDON_PATH): NativeVehicles {
  const addon: { vehicles?: NativeVehicles } = createRequire(import.meta.url)(path);
  if (addon.vehicles === undefined)
    throw new Error(`${path} was built before it had vehicles: build it again`);
  return addon.vehicles;
}
