import * as z from 'zod';
import { DESCRIPTOR_LENGTH } from '../features/descriptor.ts';
import { imageSchema } from '../features/payload.ts';
import { siftParametersSchema } from './parameters.ts';

export const cacheTierSchema = z.enum(['memory', 'redis']);
export type CacheTier = z.infer<typeof cacheTierSchema>;

/** JSON answer of `POST /api/v1/features/detect` and `GET /api/v1/features/{sha256}`. */
export const detectAnswerSchema = z.object({
  success: z.literal(true),
  keypoints: z.int().min(0).describe('Number of keypoints'),
  descriptors_shape: z.tuple([z.int().min(0), z.literal(DESCRIPTOR_LENGTH)]),
  cached: z.boolean(),
  processing_time_ms: z.number().min(0).describe("At the edge; a Worker's clock advances on I/O only"),
  request_id: z.string(),
  image: imageSchema,
  extractor: z.object({ name: z.string(), version: z.string(), parameters: siftParametersSchema }),
  cache: z.object({
    tier: cacheTierSchema.nullable().describe('Where the answer was found; null when it was computed'),
    key: z.string(),
    ttl_s: z.int().min(0).describe('Seconds for which it stays cached'),
  }),
  links: z.object({
    self: z.string().describe('This answer, by GET, as long as it is cached'),
    safetensors: z.string().describe('Keypoints and descriptors as a safetensors file'),
  }),
});
export type DetectAnswer = z.infer<typeof detectAnswerSchema>;

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

/** What `include=all` adds beside the columns: N rows of 128; integers, or fractions with `root_sift`. */
export const descriptorRowsSchema = z.object({ descriptors: z.array(columnSchema) });

export const healthAnswerSchema = z.object({
  status: z.enum(['healthy', 'degraded', 'unhealthy']),
  service: z.string(),
  version: z.string(),
  feature_detector_ready: z.boolean(),
  cache_connected: z.boolean(),
  uptime_seconds: z.number().min(0),
});
export type HealthAnswer = z.infer<typeof healthAnswerSchema>;

/** What the origin's `/health/ready` says. */
export const originReadySchema = z.object({
  status: z.enum(['ready', 'starting', 'stopping']),
  extractor: z.object({ name: z.string(), version: z.string() }),
});
