import * as z from 'zod';
import { DEFAULT_MAX_IMAGE_BYTES, DEFAULT_MAX_IMAGE_PIXELS } from '../shared/contract/limits.ts';
import { extractorSchema } from '../shared/extractor.ts';
import { integerSetting, readSettings, secretListSetting } from '../shared/settings.ts';
import { collectorUrl, otlpHeadersSchema } from '../shared/tracing/settings.ts';

const httpUrl = z.url({ protocol: /^https?$/, error: 'is missing or no http(s) URL' });

const share = () => {
  const error = 'must be a number from 0 to 1';
  return z.coerce.number({ error }).min(0, { error }).max(1, { error });
};

const corsOriginsSchema = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((origin) => origin.trim())
      .filter((origin) => origin !== ''),
  )
  .pipe(
    z.array(
      z.string().refine((origin) => origin === '*' || URL.parse(origin)?.origin === origin, {
        error: 'must be origins without a path, as in https://app.example.com',
      }),
    ),
  );

/** Settings of the edge: Worker bindings or environment variables of the same names. */
export const configurationSchema = z.object({
  UPSTASH_REDIS_REST_URL: httpUrl.describe('Upstash Redis, or a gateway that speaks its REST protocol'),
  UPSTASH_REDIS_REST_TOKEN: z
    .string({ error: 'is missing' })
    .min(1, { error: 'is missing' })
    .describe('What that asks of its clients'),
  ORIGIN_URL: httpUrl.describe('Where the origin is reached, without a path'),
  JOBS_URL: httpUrl
    .optional()
    .describe('Where the job service is reached, without a path; none: no bulk jobs'),
  ORIGIN_SECRET: secretListSetting(32).describe(
    'Shared with the origin; signs every request to it, and cached results. Several, separated by commas: the first signs, all verify',
  ),
  EXTRACTOR: extractorSchema.describe("The origins' extractor, as their /health/ready names it"),
  CACHE_TTL: integerSetting(1).default(3600).describe('Seconds for which results are kept'),
  MAX_IMAGE_BYTES: integerSetting(1).default(DEFAULT_MAX_IMAGE_BYTES).describe('Largest image file'),
  MAX_IMAGE_PIXELS: integerSetting(1)
    .default(DEFAULT_MAX_IMAGE_PIXELS)
    .describe('Largest width × height of an image'),
  ORIGIN_TIMEOUT_MS: integerSetting(1, 30_000).default(29_000).describe('Longest wait for features'),
  REDIS_TIMEOUT_MS: integerSetting(1, 10_000)
    .default(250)
    .describe('Longest wait for a cached summary, and four times that for a payload; slower is a miss'),
  UPLOAD_TIMEOUT_MS: integerSetting(1, 60_000)
    .default(30_000)
    .describe('Longest time that a client may take to send its upload'),
  REQUIRE_API_KEY: z
    .enum(['true', 'false'], { error: 'must be true or false' })
    .default('false')
    .transform((text) => text === 'true')
    .describe('Whether all of /api/ takes an API key; cache administration takes one always'),
  RATE_LIMIT: integerSetting(0)
    .default(0)
    .describe('Units that one API key or network may use in each window; 0 for no limit'),
  RATE_LIMIT_WINDOW_S: integerSetting(1, 86_400).default(60).describe('Length of a window'),
  RATE_LIMIT_MISS_COST: integerSetting(1)
    .default(10)
    .describe('Units that a computed answer costs; a cached one costs one'),
  CLIENT_ADDRESS_HEADER: z
    .string()
    .optional()
    .describe(
      "Header in which a trusted proxy tells the client's address; without it the connection's counts",
    ),
  CORS_ORIGINS: corsOriginsSchema.describe(
    'Web pages that may call the API, as in https://a.example,https://b.example; * for any',
  ),
  OTEL_EXPORTER_OTLP_ENDPOINT: collectorUrl.describe(
    'Collector for spans, by OTLP over HTTP, without /v1/traces; none by default',
  ),
  OTEL_EXPORTER_OTLP_HEADERS: otlpHeadersSchema.describe('Headers for the collector, name=value,name=value'),
  OTEL_TRACES_SAMPLER_ARG: share()
    .default(1)
    .describe('Share of the traces that are recorded, where there is a collector; callers cannot raise it'),
  LOG_SAMPLE_RATE: share()
    .default(0.01)
    .describe('Share of requests that get a line in the log; failures of ours always do'),
});
export type Configuration = z.infer<typeof configurationSchema>;

/** @throws SettingsError */
export function parseConfiguration(environment: Record<string, unknown>): Configuration {
  return readSettings(configurationSchema, environment);
}
