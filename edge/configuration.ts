import * as z from 'zod';
import { DEFAULT_MAX_IMAGE_BYTES, DEFAULT_MAX_IMAGE_PIXELS } from '../shared/contract/limits.ts';
import { extractorSchema } from '../shared/extractor.ts';
import { integerSetting, readSettings, secretListSetting, shareSetting } from '../shared/settings.ts';
import { collectorUrl, otlpHeadersSchema } from '../shared/tracing/settings.ts';

const httpUrl = z.url({ protocol: /^https?$/, error: 'is missing or not an http(s) URL' });

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
        error: 'must be origins without a path, such as https://app.example.com',
      }),
    ),
  );

/** Settings of the edge: Worker bindings or environment variables of the same names. */
export const configurationSchema = z.object({
  UPSTASH_REDIS_REST_URL: httpUrl.describe(
    'REST URL of the Redis at Upstash, or of a gateway with the same protocol, `Upstash-Response-Format: resp2` included',
  ),
  UPSTASH_REDIS_REST_TOKEN: z
    .string({ error: 'is missing' })
    .min(1, { error: 'is missing' })
    .describe('Token of UPSTASH_REDIS_REST_URL'),
  ORIGIN_URL: httpUrl.describe('URL of the origins or their load balancer, without a path'),
  JOBS_URL: httpUrl
    .optional()
    .describe('URL of the job service, without a path. Without it, there are no bulk jobs'),
  ORIGIN_SECRET: secretListSetting(32).describe(
    'Secret shared with the origins. It signs requests to them, and cached results. In a list, the first secret signs, and all are accepted',
  ),
  EXTRACTOR: extractorSchema.describe('Extractor of the origins, as their /health/ready reports it'),
  CACHE_TTL: integerSetting(1).default(3600).describe('Seconds for which results are cached'),
  MAX_IMAGE_BYTES: integerSetting(1)
    .default(DEFAULT_MAX_IMAGE_BYTES)
    .describe('Maximum size of an image file in bytes'),
  MAX_IMAGE_PIXELS: integerSetting(1)
    .default(DEFAULT_MAX_IMAGE_PIXELS)
    .describe('Maximum width × height of an image'),
  ORIGIN_TIMEOUT_MS: integerSetting(1, 30_000)
    .default(29_000)
    .describe('Maximum time in milliseconds for an extraction or a match, including the queue'),
  REDIS_TIMEOUT_MS: integerSetting(1, 10_000)
    .default(250)
    .describe(
      'Maximum time in milliseconds for the look-up of a summary, and four times that for a payload. A slower look-up is a miss',
    ),
  UPLOAD_TIMEOUT_MS: integerSetting(1, 60_000)
    .default(30_000)
    .describe('Maximum time in milliseconds for a client to send its upload'),
  REQUIRE_API_KEY: z
    .enum(['true', 'false'], { error: 'must be true or false' })
    .default('false')
    .transform((text) => text === 'true')
    .describe('Whether every request to /api/ needs an API key. Administration always needs one'),
  RATE_LIMIT: integerSetting(0)
    .default(0)
    .describe('Units that an API key or a network may use in each window. 0 means no limit'),
  RATE_LIMIT_WINDOW_S: integerSetting(1, 86_400).default(60).describe('Length of a window in seconds'),
  RATE_LIMIT_MISS_COST: integerSetting(1)
    .default(10)
    .describe('Units that a computed result costs. A cached result costs one'),
  CLIENT_ADDRESS_HEADER: z
    .string()
    .optional()
    .describe(
      'Header in which a trusted proxy sends the address of the client. Without it, the address of the connection is used',
    ),
  CORS_ORIGINS: corsOriginsSchema.describe(
    'Origins of web pages that may call the API, such as https://a.example,https://b.example; * allows all',
  ),
  OTEL_EXPORTER_OTLP_ENDPOINT: collectorUrl.describe(
    'URL of an OTLP/HTTP collector for spans, without /v1/traces',
  ),
  OTEL_EXPORTER_OTLP_HEADERS: otlpHeadersSchema.describe(
    'Headers for the collector, as name=value,name=value',
  ),
  OTEL_TRACES_SAMPLER_ARG: shareSetting()
    .default(1)
    .describe(
      'Share of traces that are recorded, 0 to 1, if there is a collector. The traceparent of a client cannot raise it',
    ),
  LOG_SAMPLE_RATE: shareSetting()
    .default(0.01)
    .describe('Share of requests that are logged. Server errors are always logged'),
});
export type Configuration = z.infer<typeof configurationSchema>;

/** @throws SettingsError */
export function parseConfiguration(environment: Record<string, unknown>): Configuration {
  return readSettings(configurationSchema, environment);
}
