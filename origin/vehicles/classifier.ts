import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import type { PixelImage } from '../native/addon.ts';
import { ModelError } from './model-error.ts';
import { MOST_MODEL_BYTES, readModelFile } from './model-file.ts';
import type { AttributeModel, ModelMetadata } from './model-metadata.ts';
import { loadNativeVehicles, type NativeResult } from './native.ts';
import { calibrated, prediction, softmax, sumOverClasses } from './probabilities.ts';

export { ModelError };

/** A rectangle in pixels of the decoded image; `x`, `y` are its upper left corner. */
export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Attributes whose value is one of a set of labels. */
export const LABEL_ATTRIBUTES = [
  'make',
  'model',
  'type',
  'color',
  'decade',
  'country',
  'stock_or_moded',
  'functional_utility',
] as const;
export type LabelAttribute = (typeof LABEL_ATTRIBUTES)[number];

export interface LabelProbability {
  label: string;
  /** Calibrated, 0 to 1. */
  probability: number;
}

export interface LabelPrediction {
  /** The five most probable labels (all, where there are fewer), by descending probability. */
  top: LabelProbability[];
  /** Entropy of the distribution over all labels, divided by its maximum: 0 is certain, 1 knows nothing. */
  entropy: number;
}

/** What the linear model saw where: contributions to the logit of `label`. */
export interface Explanation {
  /** The class explained: the most probable one. */
  label: string;
  columns: number;
  rows: number;
  /** F32[rows, columns], row-major, over `box`: positive spoke for the class, negative against it. */
  values: Float32Array;
  /** The logit that the values and `bias` sum up to. */
  logit: number;
  bias: number;
}

/** What warnings are made of; thresholds belong to the caller. */
export interface ImageFigures {
  /** Shorter side of `box` in pixels of the image. */
  shorterSide: number;
  /** Longer side of `box` in pixels of the image. */
  longerSide: number;
  /** Mean grey value within `box`, 0 (black) to 255. */
  brightness: number;
  /** Standard deviation of the grey values within `box`. */
  contrast: number;
  /**
   * Energy of the finest detail relative to that of the detail twice as coarse, within `box` at 256 pixels: sharp
   * photographs have above 0.2, blurred or enlarged ones less.
   */
  sharpness: number;
  /** Area of the next best place outside `box`, as a share of the area of `box`; 0 where nothing was found. */
  otherVehicle: number;
  /** How far the vehicle seems to reach beyond the image's border, as a share of the side of `box`; 0 where it does not. */
  cut: number;
}

export interface Classification {
  /** Where the vehicle is, or where the caller says it is. */
  box: Box;
  /** `whole`: the image is a crop of the vehicle already, or nothing better was found. */
  boxSource: 'caller' | 'found' | 'whole';
  /** Calibrated probability that the box shows a vehicle, and whether it is above the model's threshold. */
  vehicle: { probability: number; isVehicle: boolean };
  /** The exact class; absent where the model has no classes. */
  class?: LabelPrediction;
  /** One without a trained model is absent. Where `isVehicle` is false they mean nothing. */
  attributes: Partial<Record<LabelAttribute, LabelPrediction>>;
  /** Regression, 0 (wreck) to 1 (as new), and its root mean square error on images kept back. */
  condition?: { value: number; error: number };
  figures: ImageFigures;
  /** Where it was requested and the model has classes. */
  explanation?: Explanation;
  timing: { searchMs: number; encodeMs: number; scoreMs: number };
}

export interface ClassifyOptions {
  /** Searched for where it is not given. Clipped to the image. */
  box?: Box;
  explanation?: boolean;
  /** Ends the work, see `NativeAddon.extract`. */
  cancelled?: Int32Array;
}

/** One model, loaded. Serves one thread; any number of them may exist. */
export interface VehicleClassifier {
  name: string;
  version: string;
  /** Of the model file, lower-case hexadecimal. */
  sha256: string;
  /** Of the model file. */
  bytes: number;
  metadata: ModelMetadata;
  /**
   * Blocks the calling thread, 50 to 400 ms; equal pixels and options give equal results on every machine.
   *
   * @param image three channels
   * @throws RangeError for an image without pixels or a box outside it, and with `code` `CANCELLED` once it is cancelled
   */
  classify(image: PixelImage, options?: ClassifyOptions): Classification;
}

/**
 * Reads a model file (docs/vehicle-models.md has its layout). Takes less than a second.
 *
 * @throws ModelError for a file that cannot be read or is no model
 */
export async function loadClassifier(file: string): Promise<VehicleClassifier> {
  const bytes = await readBounded(file);
  try {
    return classifierOf(bytes);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ModelError(`${file}: ${reason}`, { cause });
  }
}

async function readBounded(file: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const { size } = await stat(file);
    if (size > MOST_MODEL_BYTES) throw new ModelError(`${size} bytes are more than a model has`);
    return new Uint8Array(await readFile(file));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ModelError(`${file}: ${reason}`, { cause });
  }
}

/** @throws ModelError, or RangeError for values that the native part does not take */
function classifierOf(bytes: Uint8Array<ArrayBuffer>): VehicleClassifier {
  const { metadata, vocabulary, model } = readModelFile(bytes);
  const native = loadNativeVehicles();
  const classifier = new native.VehicleClassifier(vocabulary, model);
  return {
    name: metadata.name,
    version: metadata.version,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    bytes: bytes.length,
    metadata,
    classify(image, { box, explanation = false, cancelled } = {}) {
      return classificationOf(metadata, classifier.classify(image, box, explanation, cancelled));
    },
  };
}

function classificationOf(metadata: ModelMetadata, result: NativeResult): Classification {
  const { attributes: models } = metadata;
  const classes = softmax(result.logits);
  const attributes: Classification['attributes'] = {};
  for (const name of LABEL_ATTRIBUTES) {
    const model = models[name];
    if (model) attributes[name] = prediction(model, probabilitiesOf(name, model, classes, metadata, result));
  }
  return {
    box: result.box,
    boxSource: result.boxSource,
    vehicle: vehicleOf(metadata, result),
    ...(models.class && classes.length > 0 && { class: prediction(models.class, classes) }),
    attributes,
    ...conditionOf(metadata, result),
    figures: result.figures,
    ...(result.explanation && { explanation: explanationOf(models.class, result.explanation) }),
    timing: { searchMs: result.searchMs, encodeMs: result.encodeMs, scoreMs: result.scoreMs },
  };
}

function probabilitiesOf(
  name: LabelAttribute,
  model: AttributeModel,
  classes: readonly number[],
  { heads }: ModelMetadata,
  result: NativeResult,
): number[] {
  if (model.of_class) return sumOverClasses(classes, model.of_class, model.labels.length);
  const { first = 0, count = 0 } = heads[name] ?? {};
  const scores = name === 'color' ? result.colours : result.scores.subarray(first, first + count);
  return softmax(scores, model.sharpness);
}

/** Without a trained head everything counts as a vehicle but an image in which nothing can be seen. */
function vehicleOf({ vehicle, heads }: ModelMetadata, result: NativeResult): Classification['vehicle'] {
  if (result.empty) return { probability: 0, isVehicle: false };
  if (!vehicle || !heads.vehicle) return { probability: 1, isVehicle: true };
  const probability = calibrated(vehicle.calibration, result.scores[heads.vehicle.first] ?? 0);
  return { probability, isVehicle: probability >= vehicle.threshold };
}

function conditionOf(
  { condition, heads }: ModelMetadata,
  result: NativeResult,
): Pick<Classification, 'condition'> {
  if (!condition || !heads.condition) return {};
  const score = result.scores[heads.condition.first] ?? 0;
  return { condition: { value: Math.min(1, Math.max(0, score)), error: condition.error } };
}

function explanationOf(
  classes: AttributeModel | undefined,
  { classIndex, ...explanation }: NonNullable<NativeResult['explanation']>,
): Explanation {
  return { label: classes?.labels[classIndex] ?? '', ...explanation };
}
