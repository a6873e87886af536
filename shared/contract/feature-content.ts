import * as z from 'zod';
import { sha256Schema } from '../feature-key.ts';
import { descriptorRowsSchema, detectResponseSchema, keypointColumnsSchema } from './responses.ts';
import { bytesSchema, type PathParameter } from './route.ts';

/** JSON of `include=keypoints`. */
export const keypointsResponseSchema = z.object({
  ...detectResponseSchema.shape,
  ...keypointColumnsSchema.shape,
});

/** JSON of `include=all`. */
export const completeResponseSchema = z.object({
  ...keypointsResponseSchema.shape,
  ...descriptorRowsSchema.shape,
});

/** Features in every media type that `Accept` can ask for. */
export const FEATURE_CONTENT = {
  'application/json': z.union([detectResponseSchema, keypointsResponseSchema, completeResponseSchema]),
  'application/vnd.safetensors': bytesSchema,
  'application/x-safetensors': bytesSchema,
  'application/x-npz': bytesSchema,
  'text/x-colmap-features': z.string(),
  'text/x-lowe-key': z.string(),
} as const;

export const FEATURE_HEADERS = [
  'X-Cache',
  'ETag',
  'Vary',
  'Server-Timing',
  'Content-Disposition',
  'Content-Encoding',
] as const;

export const sha256Parameter = {
  schema: sha256Schema,
  description: 'SHA-256 of the image file, in hexadecimal',
  example: '9ffa6e521fe963a2edd8e71c9567ea370f69f3cfc36eb005be934a6bc53b70a2',
} as const satisfies PathParameter;
