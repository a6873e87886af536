import * as z from 'zod';
import { DEFAULT_MAX_IMAGE_BYTES, DEFAULT_MAX_IMAGE_PIXELS } from '../shared/contract/limits.ts';
import { extractorSchema } from '../shared/extractor.ts';

/** Settings of the edge: Worker bindings or environment variables of the same names. */
const configurationSchema = z.object({
  UPSTASH_REDIS_REST_URL: z.url().describe('Upstash Redis, or a gateway that speaks its REST protocol'),
  UPSTASH_REDIS_REST_TOKEN: z.string().min(1),
  ORIGIN_URL: z.url().describe('Where the origin is reached, without a path'),
  ORIGIN_SECRET: z.string().min(32).describe('Shared with the origin; signs every request to it'),
  EXTRACTOR: extractorSchema.describe("The origins' extractor, as their /health/ready names it"),
  CACHE_TTL: z.coerce.number().int().positive().default(3600).describe('Seconds for which results are kept'),
  MAX_IMAGE_BYTES: z.coerce.number().int().positive().default(DEFAULT_MAX_IMAGE_BYTES),
  MAX_IMAGE_PIXELS: z.coerce.number().int().positive().default(DEFAULT_MAX_IMAGE_PIXELS),
  ORIGIN_TIMEOUT_MS: z.coerce
    .number()
    .int()
    .positive()
    .max(30_000)
    .default(29_000)
    .describe('Longest wait for features; Workers end background work after 30 s'),
  REDIS_TIMEOUT_MS: z.coerce
    .number()
    .int()
    .positive()
    .default(250)
    .describe('Longest wait for a cached summary; a slower Redis counts as a miss'),
});
export type Configuration = z.infer<typeof configurationSchema>;

/** Names every setting that is missing or wrong, one a line. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}

/** @throws ConfigurationError */
export function parseConfiguration(environment: Record<string, unknown>): Configuration {
  const given = Object.entries(environment).filter(([, value]) => value !== '' && value !== null);
  const parsed = configurationSchema.safeParse(Object.fromEntries(given));
  if (parsed.success) return parsed.data;
  throw new ConfigurationError(
    parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('\n'),
  );
}
