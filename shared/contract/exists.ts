import * as z from 'zod';
import { sha256Schema } from '../feature-key.ts';

/** The most hashes that one request may ask about. */
export const MAX_EXISTS_HASHES = 1_000;

/** Hashes that one unit of the rate limit pays for. */
export const EXISTS_HASHES_PER_UNIT = 50;

const hashesError = `must be 1 to ${MAX_EXISTS_HASHES} hashes`;

/** JSON body of `POST /api/v1/features/exists`. */
export const existsBodySchema = z.strictObject({
  sha256: z
    .array(sha256Schema, { error: 'must be a list of hashes' })
    .min(1, { error: hashesError })
    .max(MAX_EXISTS_HASHES, { error: hashesError })
    .describe('SHA-256 of each image file, 64 lower-case hexadecimal digits'),
});
export type ExistsBody = z.infer<typeof existsBodySchema>;

/** JSON response of `POST /api/v1/features/exists`. */
export const existsResponseSchema = z.object({
  success: z.literal(true),
  cached: z
    .array(z.string())
    .describe('Hashes whose features are cached, each once, in the order of the request'),
  missing: z.int().min(0).describe('Number of the other hashes, each counted once'),
  processing_time_ms: z.number().min(0),
  request_id: z.string(),
});
export type ExistsResponse = z.infer<typeof existsResponseSchema>;
