import * as z from 'zod';

const shareSchema = z.number().min(0).max(1);

/** Non-decreasing step-free map: straight lines between the points; constant beyond the ends. */
const calibrationSchema = z.object({ from: z.array(z.number()), to: z.array(shareSchema) });
export type CalibrationMap = z.infer<typeof calibrationSchema>;

/** Figures on pictures that the scored model was not trained on. */
const metricsSchema = z.object({
  samples: z.int().nonnegative(),
  top1: shareSchema,
  top5: shareSchema,
  /** Expected calibration error: 15 bins of equal width. */
  ece: shareSchema,
});
export type AttributeMetrics = z.infer<typeof metricsSchema>;

const attributeSchema = z.object({
  labels: z.array(z.string()).min(1),
  /** Shares of `labels` among the training pictures: what drift is measured against. */
  training_distribution: z.array(shareSchema),
  calibration: calibrationSchema,
  metrics: metricsSchema,
  /** Derived attributes: index into `labels` for each class. */
  of_class: z.array(z.int().nonnegative()).optional(),
});
export type AttributeModel = z.infer<typeof attributeSchema>;

/** What a model file says about itself: `edgesift` in the safetensors metadata, as JSON. */
export const modelMetadataSchema = z.object({
  format: z.literal(1),
  name: z.string().min(1),
  version: z.string().min(1),
  /** The exact class (`class`) and every attribute with a model. */
  attributes: z.record(z.string(), attributeSchema),
  condition: z.object({ error: z.number().nonnegative() }).optional(),
  /** Factors of the class, make and type scores in a class's logit. */
  logit_factors: z.record(z.string(), z.number()),
  vehicle: z.object({
    calibration: calibrationSchema,
    threshold: shareSchema,
    /** Shares found right among pictures with and without a vehicle. */
    metrics: z.object({ recall: shareSchema, specificity: shareSchema, negatives: z.int().nonnegative() }),
  }),
  /** First row of each head in the weights, and its number of rows. */
  heads: z.record(z.string(), z.object({ first: z.int().nonnegative(), count: z.int().positive() })),
  trained_on: z.string(),
  samples: z.int().positive(),
  split: z.string(),
  trained_at: z.iso.datetime(),
  training_seconds: z.number().nonnegative(),
  seed: z.int().nonnegative(),
  /** File name of the model card, beside the model. */
  card: z.string(),
});
export type ModelMetadata = z.infer<typeof modelMetadataSchema>;
