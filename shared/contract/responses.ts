import * as z from 'zod';
import { DESCRIPTOR_LENGTH } from '../features/descriptor.ts';
import { imageSchema } from '../features/payload.ts';
import { geometryParametersSchema, siftParametersSchema } from './parameters.ts';

export const cacheTierSchema = z.enum(['memory', 'redis']);
export type CacheTier = z.infer<typeof cacheTierSchema>;

/** JSON response of `POST /api/v1/features/detect` and `GET /api/v1/features/{sha256}`. */
export const detectResponseSchema = z.object({
  success: z.literal(true),
  keypoints: z.int().min(0).describe('Number of keypoints'),
  descriptors_shape: z.tuple([z.int().min(0), z.literal(DESCRIPTOR_LENGTH)]),
  cached: z.boolean(),
  processing_time_ms: z.number().min(0).describe("At the edge; a Worker's clock advances on I/O only"),
  request_id: z.string(),
  image: imageSchema,
  extractor: z.object({ name: z.string(), version: z.string(), parameters: siftParametersSchema }),
  cache: z.object({
    tier: cacheTierSchema.nullable().describe('Tier that had the result; null when it was computed'),
    key: z.string(),
    ttl_s: z.int().min(0).describe('Seconds until the result expires from the cache'),
  }),
  links: z.object({
    self: z.string().describe('Path of this result for GET, as long as it is cached'),
    safetensors: z.string().describe('Keypoints and descriptors as a safetensors file'),
  }),
});
export type DetectResponse = z.infer<typeof detectResponseSchema>;

const columnSchema = z.array(z.number());

/** What `include=keypoints` adds: one column per property, N long each, strongest keypoint first. */
export const keypointColumnsSchema = z.object({
  x: columnSchema.describe('Pixels to the right of the centre of the upper-left pixel'),
  y: columnSchema.describe('Pixels below the centre of the upper-left pixel'),
  size: columnSchema.describe('Diameter in pixels'),
  angle: columnSchema.describe('Degrees, clockwise'),
  response: columnSchema.describe('Contrast'),
  octave: columnSchema.describe('-1 is the image enlarged twice'),
  layer: columnSchema.describe('Layer in the octave'),
});
export type KeypointColumns = z.infer<typeof keypointColumnsSchema>;

/** What `include=all` adds beside the columns: N rows of 128; integers, or fractions with `root_sift`. */
export const descriptorRowsSchema = z.object({ descriptors: z.array(columnSchema) });

const matrixSchema = z.tuple([
  z.tuple([z.number(), z.number(), z.number()]),
  z.tuple([z.number(), z.number(), z.number()]),
  z.tuple([z.number(), z.number(), z.number()]),
]);

const geometrySchema = z.object({
  matrix: matrixSchema.describe('3×3, row by row'),
  reprojection_error: z.number().min(0).describe('Mean error of the inliers, in pixels'),
  median_reprojection_error: z.number().min(0).describe('Median error of the inliers, in pixels'),
});

/** What `include=all` adds to a match: one column per property, all of one length, by ascending `index1`. */
export const matchedPairsSchema = z.object({
  index1: columnSchema.describe("Row of the keypoint in image1's features"),
  index2: columnSchema.describe("Row of the keypoint in image2's features"),
  x1: columnSchema,
  y1: columnSchema,
  x2: columnSchema,
  y2: columnSchema,
  distance: columnSchema.describe('Euclidean, between the descriptors'),
  inlier: z.array(z.boolean()),
});

/** What matching two feature sets gives. */
export const matchResultSchema = z.object({
  matches: z.int().min(0).describe('Mutual nearest neighbours that pass the ratio test'),
  inliers: z.int().min(0).describe('Matches that agree with the model, to within the threshold'),
  homography: geometrySchema
    .nullable()
    .optional()
    .describe('Maps points of image1 to image2; null when there is none'),
  fundamental: geometrySchema
    .nullable()
    .optional()
    .describe('F with x2ᵀ F x1 = 0, of norm 1; null when there is none'),
  log10_false_alarms: z
    .number()
    .optional()
    .describe(
      'log10 of the number of equally good models that chance would give; a model counts below -3. Absent when no more distinct points agree than a model needs',
    ),
  reason: z
    .enum(['too_few_matches', 'no_consensus'])
    .optional()
    .describe('Why there is no model: too few matches, or no more agreement than chance would give'),
  pairs: matchedPairsSchema.optional(),
});
export type MatchResult = z.infer<typeof matchResultSchema>;

const matchedImageSchema = z.object({
  sha256: z.string(),
  width: z.int(),
  height: z.int(),
  keypoints: z.int().min(0),
  tier: cacheTierSchema.nullable().describe('Tier that had its features; null when they were computed'),
});

/** JSON response of `POST /api/v1/match`. */
export const matchResponseSchema = z.object({
  success: z.literal(true),
  model: geometryParametersSchema.shape.model,
  ...matchResultSchema.shape,
  images: z.tuple([matchedImageSchema, matchedImageSchema]),
  parameters: z.object({ ratio: z.number(), threshold: z.number(), sift: siftParametersSchema }),
  cached: z.boolean().describe("Whether both images' features were cached"),
  processing_time_ms: z.number().min(0),
  request_id: z.string(),
});
export type MatchResponse = z.infer<typeof matchResponseSchema>;

export const healthResponseSchema = z.object({
  status: z.enum(['healthy', 'degraded', 'unhealthy']),
  service: z.string(),
  version: z.string(),
  feature_detector_ready: z.boolean(),
  cache_connected: z.boolean(),
  uptime_seconds: z.number().min(0),
});
export type HealthResponse = z.infer<typeof healthResponseSchema>;

/** JSON of `GET /health/ready`: with what `/health`, whose fields are the reference service's, does not have. */
export const readyResponseSchema = healthResponseSchema.extend({
  vehicle_classifier_ready: z.boolean().describe('Whether there is a vehicle model'),
});
export type ReadyResponse = z.infer<typeof readyResponseSchema>;

/** The health response of status 503. */
export const unhealthyResponseSchema = healthResponseSchema.extend({ status: z.literal('unhealthy') });
export const unreadyResponseSchema = readyResponseSchema.extend({ status: z.literal('unhealthy') });

/** JSON response of `GET /health/live`. */
export const aliveResponseSchema = z.object({ status: z.literal('alive') });

/** What the origin's `/health/ready` says. */
export const originReadySchema = z.object({
  status: z.enum(['ready', 'starting', 'stopping', 'stalled']),
  extractor: z.object({ name: z.string(), version: z.string() }),
  vehicles: z
    .union([
      z.object({ status: z.literal('ready'), name: z.string(), version: z.string(), sha256: z.string() }),
      z.object({ status: z.literal('unavailable'), reason: z.string() }),
    ])
    .optional(),
});
