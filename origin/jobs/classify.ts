import sharp from 'sharp';
import { ServiceError } from '../../shared/contract/errors.ts';
import {
  CONFIDENT,
  UNKNOWN,
  type VehicleExplanation,
  type VehiclePrediction,
  type VehicleRecord,
  type VehicleWarning,
} from '../../shared/contract/vehicles.ts';
import { decodeImage } from '../decode/decode.ts';
import type { NativeAddon, PixelImage } from '../native/addon.ts';
import {
  type Classification,
  LABEL_ATTRIBUTES,
  type LabelPrediction,
  type VehicleClassifier,
} from '../vehicles/classifier.ts';
import { cancellable, cancellablePromise, throwIfCancelled } from './cancellation.ts';
import { overlayOf } from './explanation-overlay.ts';
import type { CancellationFlag, ClassifyResult, ClassifyTask } from './messages.ts';
import { warningsOf } from './vehicle-warnings.ts';

/** Longest side of a thumbnail, in pixels. */
const THUMBNAIL = 320;
const THUMBNAIL_QUALITY = 80;

/** A classification without its key and expiry, which the route adds. */
export type ClassifiedImage = Omit<VehicleRecord, 'key' | 'classified_at' | 'expires_at'>;

/**
 * Image file → what vehicle it shows, as JSON of {@link ClassifiedImage}. Blocks the calling thread while the native
 * code runs.
 *
 * @throws ServiceError `IMAGE_READ_ERROR` from decoding, `INVALID_PARAMETER` for a box outside the image,
 *   `SERVICE_TIMEOUT` once `cancelled` is set
 */
export async function classifyVehicle(
  addon: NativeAddon,
  classifier: VehicleClassifier,
  task: ClassifyTask,
  cancelled?: CancellationFlag,
): Promise<ClassifyResult> {
  throwIfCancelled(cancelled);
  const started = performance.now();
  const { bytes, header, sha256, options } = task;
  const decoding = { header, orientation: 'apply' as const, colours: true, cancelled };
  const image = asColours(await cancellablePromise(decodeImage(addon, bytes, decoding)));
  throwIfCancelled(cancelled);
  const decoded = performance.now();
  const result = classify(classifier, image, task, cancelled);
  const { width, height } = image;
  const classified: ClassifiedImage = {
    ...describe(result),
    model_version: classifier.version,
    image: { sha256, format: header.format, width, height, bytes: bytes.length },
    classifier: { name: classifier.name, version: classifier.version, sha256: classifier.sha256 },
    ...(result.explanation && { explanation: await explanationOf(result.explanation, result.box) }),
    ...(options.explained && { thumbnail: await thumbnailOf(image) }),
  };
  const payload = new TextEncoder().encode(JSON.stringify(classified));
  const classifyMs = performance.now() - decoded;
  return { kind: 'classified', payload, decodeMs: decoded - started, classifyMs };
}

function classify(
  classifier: VehicleClassifier,
  image: PixelImage,
  { options: { box, explained } }: ClassifyTask,
  cancelled: CancellationFlag | undefined,
): Classification {
  if (box && (box.x >= image.width || box.y >= image.height)) {
    throw new ServiceError('INVALID_PARAMETER', 'The box lies outside the image.', {
      details: { parameter: 'box', width: image.width, height: image.height },
    });
  }
  return cancellable(() =>
    classifier.classify(image, {
      ...(box && { box }),
      explanation: explained,
      ...(cancelled && { cancelled }),
    }),
  );
}

/** The same image in R, G, B. */
function asColours(image: PixelImage): PixelImage {
  if (image.channels === 3) return image;
  const pixels = new Uint8Array(image.pixels.length * 3);
  for (const [at, grey] of image.pixels.entries()) pixels.fill(grey, 3 * at, 3 * at + 3);
  return { ...image, pixels, channels: 3 };
}

type Described = Pick<
  ClassifiedImage,
  | 'predictions'
  | 'overall_confidence'
  | 'class'
  | 'is_vehicle'
  | 'vehicle_probability'
  | 'warnings'
  | 'box'
  | 'box_source'
>;

/** Of an image without a vehicle nothing is predicted: `unknown` stands where a guess would. */
export function describe(result: Classification): Described {
  const { isVehicle, probability } = result.vehicle;
  const predictions: Described['predictions'] = {};
  for (const name of LABEL_ATTRIBUTES) {
    const attribute = result.attributes[name];
    if (attribute) predictions[name] = isVehicle ? predictionOf(name, attribute) : unknown(name);
  }
  if (result.condition) {
    predictions.condition = isVehicle ? conditionOf(result.condition) : unknown('condition');
  }
  const all = Object.values(predictions);
  const sum = all.reduce((total, { confidence }) => total + confidence, 0);
  const warnings: VehicleWarning[] = warningsOf(result);
  return {
    predictions,
    overall_confidence: all.length === 0 ? 0 : rounded(sum / all.length),
    ...(isVehicle && result.class && { class: classOf(result.class) }),
    is_vehicle: isVehicle,
    vehicle_probability: rounded(probability),
    warnings,
    box: result.box,
    box_source: result.boxSource,
  };
}

function predictionOf(
  name: VehiclePrediction['attribute_name'],
  { top, entropy }: LabelPrediction,
): VehiclePrediction {
  const [first = 0, second = 0] = top.map(({ probability }) => rounded(probability));
  return {
    attribute_name: name,
    predicted_value: top[0]?.label ?? UNKNOWN,
    confidence: first,
    raw_probabilities: probabilitiesOf(top),
    confidence_metrics: {
      confidence: first,
      rank_1_accuracy: first,
      rank_2_accuracy: second,
      uncertainty: rounded(entropy),
      is_confident: first >= CONFIDENT,
    },
  };
}

/** A regression has no probabilities: its confidence is what its usual error leaves of the whole range. */
function conditionOf({ value, error }: NonNullable<Classification['condition']>): VehiclePrediction {
  const confidence = rounded(Math.max(0, 1 - error));
  return {
    ...unknown('condition'),
    predicted_value: rounded(value),
    confidence,
    confidence_metrics: {
      confidence,
      rank_1_accuracy: confidence,
      rank_2_accuracy: 0,
      uncertainty: rounded(1 - confidence),
      is_confident: confidence >= CONFIDENT,
    },
  };
}

function unknown(name: VehiclePrediction['attribute_name']): VehiclePrediction {
  return {
    attribute_name: name,
    predicted_value: UNKNOWN,
    confidence: 0,
    raw_probabilities: {},
    confidence_metrics: {
      confidence: 0,
      rank_1_accuracy: 0,
      rank_2_accuracy: 0,
      uncertainty: 1,
      is_confident: false,
    },
  };
}

function classOf({ top }: LabelPrediction): NonNullable<ClassifiedImage['class']> {
  return {
    predicted_value: top[0]?.label ?? UNKNOWN,
    confidence: rounded(top[0]?.probability ?? 0),
    raw_probabilities: probabilitiesOf(top),
  };
}

function probabilitiesOf(top: LabelPrediction['top']): Record<string, number> {
  return Object.fromEntries(top.map(({ label, probability }) => [label, rounded(probability)]));
}

async function explanationOf(
  { values, ...rest }: NonNullable<Classification['explanation']>,
  box: Classification['box'],
): Promise<VehicleExplanation> {
  const explanation = { ...rest, values: Array.from(values, rounded) };
  return { ...explanation, overlay: await overlayOf(explanation, box) };
}

/** Six digits: more than a calibrated probability is worth. */
function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

async function thumbnailOf({
  pixels,
  width,
  height,
}: PixelImage): Promise<NonNullable<ClassifiedImage['thumbnail']>> {
  const { data, info } = await sharp(pixels, { raw: { width, height, channels: 3 } })
    .resize(THUMBNAIL, THUMBNAIL, { fit: 'inside', withoutEnlargement: true })
    .jpeg({ quality: THUMBNAIL_QUALITY })
    .toBuffer({ resolveWithObject: true });
  return {
    media_type: 'image/jpeg',
    width: info.width,
    height: info.height,
    base64: data.toString('base64'),
  };
}
