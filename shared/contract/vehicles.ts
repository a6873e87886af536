import * as z from 'zod';
import { imageSchema } from '../features/payload.ts';
import { VEHICLE_IMAGE_FORMATS } from '../image-header.ts';
import { ServiceError } from './errors.ts';
import { parseTextParameters } from './parameters.ts';
import { cacheTierSchema } from './responses.ts';

/** The most images that one batch may have, as a batch of features. */
export { MAX_BATCH_IMAGES } from './batch.ts';

/** From here on a prediction counts as confident, and its level is HIGH. */
export const CONFIDENT = 0.8;
/** From here on a level is MEDIUM. */
const MEDIUM = 0.6;
/** What is predicted where the image shows no vehicle. */
export const UNKNOWN = 'unknown';

export const vehicleAttributeSchema = z.enum([
  'make',
  'model',
  'type',
  'color',
  'decade',
  'country',
  'condition',
  'stock_or_moded',
  'functional_utility',
]);
export type VehicleAttribute = z.infer<typeof vehicleAttributeSchema>;

const probability = z.number().min(0).max(1);

export const boxSchema = z.object({
  x: z.number().min(0),
  y: z.number().min(0),
  width: z.number().positive(),
  height: z.number().positive(),
});
export type VehicleBox = z.infer<typeof boxSchema>;

const BOX_ERROR = 'must be x,y,width,height in whole pixels, as 10,20,300,200';
const boxTextSchema = z
  .string({ error: BOX_ERROR })
  .regex(/^\d{1,7},\d{1,7},[1-9]\d{0,6},[1-9]\d{0,6}$/, { error: BOX_ERROR })
  .optional()
  .describe(
    'Where the vehicle is: x, y, width, height in pixels of the upright image. Searched for where it is not given',
  );
const includeSchema = z
  .enum(['summary', 'explanation', 'all'], { error: 'must be one of: summary, explanation, all' })
  .default('summary')
  .describe(
    'explanation adds the evidence for and against the class, with a heat map as PNG; all also a thumbnail',
  );

export const classifyParametersSchema = z.strictObject({ box: boxTextSchema, include: includeSchema });
export const batchClassifyParametersSchema = classifyParametersSchema.pick({ include: true });

/** What is to be computed: part of the key of a classification. */
export interface VehicleOptions {
  box?: VehicleBox | undefined;
  /** Whether the record has an explanation and a thumbnail. */
  explained: boolean;
}

export interface ClassifyParameters {
  include: z.infer<typeof includeSchema>;
  options: VehicleOptions;
}

function boxFrom(text: string | undefined): VehicleBox | undefined {
  if (text === undefined) return undefined;
  const [x = 0, y = 0, width = 0, height = 0] = text.split(',').map(Number);
  return { x, y, width, height };
}

/** @throws ServiceError `INVALID_PARAMETER` */
export function parseClassifyParameters(pairs: Iterable<readonly [string, string]>): ClassifyParameters {
  const { box, include } = parseTextParameters(classifyParametersSchema, pairs);
  return { include, options: { box: boxFrom(box), explained: include !== 'summary' } };
}

/** @throws ServiceError `INVALID_PARAMETER` */
export function parseBatchClassifyParameters(pairs: Iterable<readonly [string, string]>): ClassifyParameters {
  const { include } = parseTextParameters(batchClassifyParametersSchema, pairs);
  return { include, options: { explained: include !== 'summary' } };
}

/** `name=value` pairs of the edge's call to the origin. */
export function pairsOfOptions({ box, explained }: VehicleOptions): [string, string][] {
  return [
    ...(box ? [['box', `${box.x},${box.y},${box.width},${box.height}`] as [string, string]] : []),
    ...(explained ? [['include', 'all'] as [string, string]] : []),
  ];
}

export const VEHICLE_KEY_PREFIX = 'vehicle@';

/**
 * The name of a classification: the same model always gives the same values for it. Looks like
 * `vehicle@1/auto/<sha256>` or `vehicle@1/b10_20_300_200-e/<sha256>`: without commas, which separate the tags of `If-None-Match`.
 */
export function vehicleKey(version: string, { box, explained }: VehicleOptions, imageSha256: string): string {
  const place = box ? `b${box.x}_${box.y}_${box.width}_${box.height}` : 'auto';
  return `${VEHICLE_KEY_PREFIX}${version}/${place}${explained ? '-e' : ''}/${imageSha256}`;
}

export const predictionSchema = z.object({
  attribute_name: vehicleAttributeSchema,
  predicted_value: z
    .union([z.string(), z.number()])
    .describe(`The most probable label, a number for condition, \`${UNKNOWN}\` where no vehicle is shown`),
  confidence: probability.describe('Calibrated probability of the label'),
  raw_probabilities: z
    .record(z.string(), probability)
    .describe('The five most probable labels; none where no vehicle is shown'),
  confidence_metrics: z.object({
    confidence: probability,
    rank_1_accuracy: probability.describe('The highest probability'),
    rank_2_accuracy: probability.describe('The second highest probability'),
    uncertainty: probability.describe('Entropy divided by its maximum'),
    is_confident: z.boolean().describe(`Whether the confidence is at least ${CONFIDENT}`),
  }),
});
export type VehiclePrediction = z.infer<typeof predictionSchema>;

export const vehicleWarningSchema = z.object({
  code: z.enum([
    'no_vehicle',
    'too_small',
    'too_dark',
    'too_bright',
    'low_contrast',
    'blurred',
    'several_vehicles',
    'cropped',
  ]),
  message: z.string(),
});
export type VehicleWarning = z.infer<typeof vehicleWarningSchema>;

export const explanationSchema = z.object({
  label: z.string().describe('The class that is explained: the most probable one'),
  columns: z.int().positive(),
  rows: z.int().positive(),
  values: z
    .array(z.number())
    .describe('Cells of the box, row by row: positive spoke for the class, negative against it'),
  logit: z.number().describe('What the values and the bias sum up to'),
  bias: z.number(),
  overlay: z
    .object({
      media_type: z.literal('image/png'),
      width: z.int().positive(),
      height: z.int().positive(),
      base64: z.string(),
    })
    .optional()
    .describe(
      'The cells as a transparent heat map over the box: blue spoke for the class, orange against it',
    ),
});
export type VehicleExplanation = z.infer<typeof explanationSchema>;

export const thumbnailSchema = z.object({
  media_type: z.literal('image/jpeg'),
  width: z.int().positive(),
  height: z.int().positive(),
  base64: z.string(),
});

const classifierSchema = z.object({
  name: z.string(),
  version: z.string(),
  sha256: z.string().describe('Of the model file'),
});

const classificationShape = {
  predictions: z.partialRecord(vehicleAttributeSchema, predictionSchema),
  overall_confidence: probability.describe("Mean of the attributes' confidence"),
  model_version: z.string(),
  class: z
    .object({
      predicted_value: z.string(),
      confidence: probability,
      raw_probabilities: z.record(z.string(), probability),
    })
    .optional()
    .describe('The exact class'),
  is_vehicle: z.boolean(),
  vehicle_probability: probability.describe('Calibrated'),
  warnings: z.array(vehicleWarningSchema),
  image: imageSchema
    .extend({ format: z.enum(VEHICLE_IMAGE_FORMATS) })
    .describe('Width and height are those of the upright image'),
  box: boxSchema.describe('Where the vehicle is, in pixels of the upright image'),
  box_source: z
    .enum(['caller', 'found', 'whole'])
    .describe('whole: the image is a crop of the vehicle already, or nothing better was found'),
  classifier: classifierSchema,
  explanation: explanationSchema.optional(),
  thumbnail: thumbnailSchema.optional(),
};

/** What the origin computes and Redis keeps. */
export const vehicleRecordSchema = z.object({
  key: z.string(),
  ...classificationShape,
  /** Milliseconds since the Unix epoch. */
  classified_at: z.int(),
  expires_at: z.int(),
});
export type VehicleRecord = z.infer<typeof vehicleRecordSchema>;

/** `data` of a classification. */
export const vehicleDataSchema = z.object({
  ...classificationShape,
  processing_time_ms: z.number().min(0).describe("At the edge; a Worker's clock advances on I/O only"),
  timestamp: z.iso.datetime().describe('When it was computed'),
  cached: z.boolean(),
  cache: z.object({
    tier: cacheTierSchema.nullable().describe('Tier that had the result; null when it was computed'),
    key: z.string(),
    ttl_s: z.int().min(0).describe('Seconds until the result expires from the cache'),
  }),
  links: z.object({
    self: z.string().describe('This classification, by GET, as long as it is cached'),
    model: z.string().describe('What is known of the model'),
  }),
  request_id: z.string(),
});
export type VehicleData = z.infer<typeof vehicleDataSchema>;

const envelope = { status: z.literal('success'), timestamp: z.iso.datetime() };

/** JSON of `POST /api/vehicle/classify` and `GET /api/vehicle/{sha256}`. */
export const classifyResponseSchema = z.object({ ...envelope, data: vehicleDataSchema });
export type ClassifyResponse = z.infer<typeof classifyResponseSchema>;

export const batchClassifyResultSchema = z.union([
  z.object({ filename: z.string().nullable(), status: z.literal('success'), data: vehicleDataSchema }),
  z.object({
    filename: z.string().nullable(),
    status: z.literal('error'),
    message: z.string(),
    error_code: z.string(),
  }),
]);
export type BatchClassifyResult = z.infer<typeof batchClassifyResultSchema>;

export const batchClassifySummarySchema = z.object({
  total_files: z.int().min(1),
  successful: z.int().min(0),
  failed: z.int().min(0),
  average_processing_time_ms: z.number().min(0),
});
export type BatchClassifySummary = z.infer<typeof batchClassifySummarySchema>;

export const batchClassifyResponseSchema = z.object({
  ...envelope,
  summary: batchClassifySummarySchema,
  results: z.array(batchClassifyResultSchema).describe('In the order of the form'),
});
export type BatchClassifyResponse = z.infer<typeof batchClassifyResponseSchema>;

/** The last line of a batch as NDJSON. A response without it broke off. */
export const batchClassifyLastLineSchema = z.object({ ...envelope, summary: batchClassifySummarySchema });

export const attributeMetricsSchema = z.object({
  samples: z.int().min(0),
  top1: probability,
  top5: probability,
  ece: probability.describe('Expected calibration error'),
});

/** A model as the origin describes it. */
export const vehicleModelSchema = z.object({
  name: z.string(),
  version: z.string(),
  alias: z.enum(['champion', 'challenger']),
  sha256: z.string(),
  bytes: z.int().positive(),
  labels: z.record(z.string(), z.array(z.string())).describe('By attribute; `class` are the exact classes'),
  trained_on: z.string(),
  samples: z.int().positive(),
  split: z.string(),
  metrics: z.record(z.string(), attributeMetricsSchema),
  trained_at: z.iso.datetime(),
  card: z.string().describe('The model card, as Markdown'),
});
export type VehicleModel = z.infer<typeof vehicleModelSchema>;

/** What an origin says of its vehicle model at {@link VEHICLE_MODEL_PATH}. */
export const vehicleStateSchema = z.union([
  z.object({ status: z.literal('ready'), model: vehicleModelSchema }),
  z.object({ status: z.literal('unavailable'), reason: z.string() }),
]);
export type VehicleState = z.infer<typeof vehicleStateSchema>;

/** JSON of `GET /api/models/metadata`. */
export const modelsResponseSchema = z.object({
  ...envelope,
  data: z.object({
    version: z.string().nullable().describe('Of the model that serves; null where there is none'),
    pipeline_initialized: z.boolean(),
    reason: z.string().optional().describe('Why there is no model'),
    cached_models: z.array(z.string()),
    supported_attributes: z.array(vehicleAttributeSchema),
    supported_formats: z.array(z.string()),
    max_image_size: z.int().positive().describe('Bytes'),
    cached_reports: z.int().min(0).describe('In the memory of this isolate'),
    models: z.array(vehicleModelSchema),
  }),
});
export type ModelsResponse = z.infer<typeof modelsResponseSchema>;

export const confidenceLevelSchema = z.enum(['HIGH', 'MEDIUM', 'LOW']);
export type ConfidenceLevel = z.infer<typeof confidenceLevelSchema>;

export function confidenceLevel(confidence: number): ConfidenceLevel {
  if (confidence >= CONFIDENT) return 'HIGH';
  return confidence >= MEDIUM ? 'MEDIUM' : 'LOW';
}

const VEHICLE_ID_ERROR = 'must be 1 to 128 letters, digits, dots, underscores and hyphens';
export const vehicleIdSchema = z
  .string({ error: VEHICLE_ID_ERROR })
  .regex(/^[A-Za-z0-9._-]{1,128}$/, { error: VEHICLE_ID_ERROR });

const reportFormat = z.enum(['json', 'html'], { error: 'must be one of: json, html' });

export const reportParametersSchema = z.strictObject({
  box: boxTextSchema,
  format: reportFormat.default('json').describe('html: a page of its own, to be printed'),
  vehicle_id: vehicleIdSchema
    .optional()
    .describe('Id of the report; the service makes one if it is not given'),
});
export interface ReportParameters {
  format: z.infer<typeof reportFormat>;
  vehicleId: string | undefined;
  options: VehicleOptions;
}

/** @throws ServiceError `INVALID_PARAMETER` */
export function parseReportParameters(pairs: Iterable<readonly [string, string]>): ReportParameters {
  const { box, format, vehicle_id: vehicleId } = parseTextParameters(reportParametersSchema, pairs);
  return { format, vehicleId, options: { box: boxFrom(box), explained: true } };
}

export const reportQuerySchema = z.strictObject({
  format: reportFormat.optional().describe('Overrides the Accept header'),
});

/** @throws ServiceError `INVALID_PARAMETER` */
export function parseVehicleId(text: string): string {
  const parsed = vehicleIdSchema.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new ServiceError('INVALID_PARAMETER', `The vehicle id ${VEHICLE_ID_ERROR}.`, {
    details: { parameter: 'vehicle_id' },
  });
}

export const vehicleReportSchema = z.object({
  vehicle_id: z.string(),
  report_date: z.iso.datetime(),
  classification_results: vehicleDataSchema,
  summary: z.string(),
  confidence_score: probability,
  recommendations: z.array(z.string()),
  metadata: z.object({
    confidence_level: confidenceLevelSchema,
    levels: z.partialRecord(vehicleAttributeSchema, confidenceLevelSchema),
    expires_at: z.iso.datetime(),
    model_card: z.string(),
  }),
});
export type VehicleReport = z.infer<typeof vehicleReportSchema>;

/** JSON of a report. */
export const reportResponseSchema = z.object({ ...envelope, data: vehicleReportSchema });
export type ReportResponse = z.infer<typeof reportResponseSchema>;
