import * as z from 'zod';

const shareSchema = z.number().min(0).max(1);
const indexSchema = z.int().nonnegative();

/** A non-decreasing map: straight lines between the points, constant beyond the ends. */
const calibrationSchema = z.object({ from: z.array(z.number()).min(1), to: z.array(shareSchema).min(1) });
export type CalibrationMap = z.infer<typeof calibrationSchema>;

/** Figures on images that the scored model was not trained on. */
const metricsSchema = z.object({
  samples: indexSchema,
  top1: shareSchema,
  top5: shareSchema,
  /** Expected calibration error of the highest probability: 15 bins of equal width. */
  ece: shareSchema,
});

const attributeSchema = z.object({
  labels: z.array(z.string()).min(1),
  /** Shares of `labels` among the training images: what drift is measured against. */
  training_distribution: z.array(shareSchema),
  /** From the highest probability of a prediction to the share of such predictions that are right. */
  calibration: calibrationSchema,
  metrics: metricsSchema,
  /** Probabilities are the softmax of the scores times this. */
  sharpness: z.number().positive(),
  /** Index into `labels` of each class, where the attribute follows from the class. */
  of_class: z.array(indexSchema).optional(),
});
export type AttributeModel = z.infer<typeof attributeSchema>;

/** Rows of the weights. */
const headSchema = z.object({ first: indexSchema, count: z.int().positive() });
export type Head = z.infer<typeof headSchema>;

/** Stands for what is in a model file and for how it is used: format 2 has weights for balanced encodings. */
export const MODEL_FORMAT = 2;

/** What a model file says about itself: `edgesift_vehicles` in the safetensors metadata, as JSON. */
export const modelMetadataSchema = z.object({
  format: z.literal(MODEL_FORMAT),
  name: z.string().min(1).max(100),
  version: z.string().min(1).max(100),
  /** The exact class (`class`) and every attribute that has a model. */
  attributes: z.record(z.string(), attributeSchema),
  /** Present where `condition` has a model; `error` is the root mean square one on images kept back. */
  condition: z.object({ error: z.number().nonnegative() }).optional(),
  /** Present where the model was trained with images that show no vehicle. */
  vehicle: z
    .object({
      calibration: calibrationSchema,
      threshold: shareSchema,
      /** Shares found right of the images with and without a vehicle. */
      metrics: z.object({ recall: shareSchema, specificity: shareSchema, negatives: indexSchema }),
    })
    .optional(),
  /** `class`, `vehicle`, `margins`, `condition`, and attributes that do not follow from the class. */
  heads: z.record(z.string(), headSchema),
  encoder: z.object({
    longest: z.int(),
    step: z.int(),
    bin_sizes: z.array(z.int()).min(1).max(16),
  }),
  search: z.object({ limit: z.number(), offset: z.number() }).optional(),
  /** Factors of the class, make and type scores that the class weights were made of. */
  class_factors: z.array(z.number()),
  trained_on: z.string(),
  samples: z.int().positive(),
  split: z.string(),
  /** Share of the images that were kept back from training; the seed that the run started from. */
  holdout: shareSchema,
  seed: indexSchema,
  trained_at: z.iso.datetime(),
  training_seconds: z.number().nonnegative(),
  /** File name of the model card, beside the model. */
  card: z.string(),
});
export type ModelMetadata = z.infer<typeof modelMetadataSchema>;
