import * as z from 'zod';
import { DEFAULT_MAX_IMAGE_BYTES, DEFAULT_MAX_IMAGE_PIXELS } from '../shared/contract/limits.ts';
import { extractorSchema } from '../shared/extractor.ts';
import { integerSetting } from '../shared/integer-setting.ts';

const httpUrl = z.url({ protocol: /^https?$/, error: 'is missing or no http(s) URL' });
const secret = (least: number) =>
  z.string({ error: 'is missing' }).min(least, { error: `must have at least ${least} characters` });

/** Settings of the edge: Worker bindings or environment variables of the same names. */
const configurationSchema = z.object({
  UPSTASH_REDIS_REST_URL: httpUrl.describe('Upstash Redis, or a gateway that speaks its REST protocol'),
  UPSTASH_REDIS_REST_TOKEN: secret(1),
  ORIGIN_URL: httpUrl.describe('Where the origin is reached, without a path'),
  ORIGIN_SECRET: secret(32).describe('Shared with the origin; signs every request to it'),
  EXTRACTOR: extractorSchema.describe("The origins' extractor, as their /health/ready names it"),
  CACHE_TTL: integerSetting(1).default(3600).describe('Seconds for which results are kept'),
  MAX_IMAGE_BYTES: integerSetting(1).default(DEFAULT_MAX_IMAGE_BYTES),
  MAX_IMAGE_PIXELS: integerSetting(1).default(DEFAULT_MAX_IMAGE_PIXELS),
  ORIGIN_TIMEOUT_MS: integerSetting(1, 300_000).default(29_000).describe('Longest wait for features'),
  REDIS_TIMEOUT_MS: integerSetting(1, 10_000)
    .default(250)
    .describe('Longest wait for a cached summary, and four times that for a payload; slower is a miss'),
  UPLOAD_TIMEOUT_MS: integerSetting(1, 60_000)
    .default(30_000)
    .describe('Longest time that a client may take to send its upload'),
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
    parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join('\n'),
  );
}
