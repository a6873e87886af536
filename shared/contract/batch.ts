import * as z from 'zod';
import { problemSchema } from './errors.ts';
import { descriptorRowsSchema, detectResponseSchema, keypointColumnsSchema } from './responses.ts';

/** The most images that one batch may have. */
export const MAX_BATCH_IMAGES = 32;

/** A batch may be as long as so many images of the largest size: an edge isolate holds it whole. */
export const MAX_BATCH_LENGTH_IN_IMAGES = 3;

const imageOfBatch = {
  index: z.int().min(0).describe('Index of the image in the form, from 0'),
  filename: z.string().nullable().describe('File name as sent; null if there was none'),
};

/** Line of `POST /api/v1/features/batch` for an image whose features were found or computed. */
export const batchResponseLineSchema = z.object({ ...imageOfBatch, ...detectResponseSchema.shape });
export type BatchResponseLine = z.infer<typeof batchResponseLineSchema>;

/** The same with `include=keypoints`. */
export const batchKeypointsLineSchema = z.object({
  ...batchResponseLineSchema.shape,
  ...keypointColumnsSchema.shape,
});

/** The same with `include=all`. */
export const batchCompleteLineSchema = z.object({
  ...batchKeypointsLineSchema.shape,
  ...descriptorRowsSchema.shape,
});

/** Line for an image that failed; the others are none the worse for it. */
export const batchProblemLineSchema = z.object({ ...imageOfBatch, ...problemSchema.shape });
export type BatchProblemLine = z.infer<typeof batchProblemLineSchema>;

/** The last line. A response without it broke off. */
export const batchSummaryLineSchema = z.object({
  summary: z.object({
    images: z.int().min(1),
    succeeded: z.int().min(0),
    failed: z.int().min(0),
    cached: z.int().min(0).describe('Number of succeeded images that were cached'),
  }),
  processing_time_ms: z.number().min(0),
  request_id: z.string(),
});
export type BatchSummaryLine = z.infer<typeof batchSummaryLineSchema>;
