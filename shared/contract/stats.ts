import * as z from 'zod';
import { errorCodeSchema } from './errors.ts';

/** Source of a response: from a cache tier, by computing features or a classification, or without either. */
export const outcomeSchema = z.enum(['memory', 'redis', 'origin', 'other']);
export type Outcome = z.infer<typeof outcomeSchema>;

const countSchema = z.int().min(0);
const hitRateSchema = z.number().min(0).max(1).nullable().describe('0 to 1; null before the first look-up');

const tierSchema = z.object({
  hits: countSchema,
  hit_rate: hitRateSchema.describe('Share of all look-ups that were hits in this tier'),
});

const errorsSchema = z
  .partialRecord(errorCodeSchema, countSchema)
  .describe('Error responses by error_code; codes that did not occur are absent');

const percentileSchema = z
  .number()
  .nullable()
  .describe('Upper bound of the histogram bucket that it is in; null without requests, or beyond the last');

/** One minute. */
const statsIntervalSchema = z.object({
  from: z.iso.datetime().describe('Beginning of the minute'),
  requests: countSchema,
  hits: countSchema,
  misses: countSchema,
  errors: errorsSchema,
  latency_ms: z.object({ p50: percentileSchema, p90: percentileSchema, p99: percentileSchema }),
});
export type StatsInterval = z.infer<typeof statsIntervalSchema>;

/** JSON response of `GET /api/v1/stats`. */
export const statsResponseSchema = z.object({
  scope: z
    .enum(['service', 'isolate'])
    .describe(
      'service: the whole service, some seconds ago; isolate: only this isolate, because Redis does not respond',
    ),
  requests: countSchema,
  cache: z.object({
    hits: countSchema,
    misses: countSchema.describe('Features and classifications that were computed'),
    hit_rate: hitRateSchema,
    tiers: z.object({ memory: tierSchema, redis: tierSchema }),
  }),
  latency_ms: z
    .object({
      upper_bounds: z.array(z.number()).describe('Of the buckets; one more has no bound'),
      counts: z.record(outcomeSchema, z.array(countSchema)),
    })
    .describe('Histogram by outcome. A Worker has no clock between I/O: what is computed alone counts as 0'),
  errors: errorsSchema,
  endpoints: z.record(z.string(), z.object({ requests: countSchema, errors: countSchema })),
  regions: z
    .record(z.string(), z.object({ requests: countSchema, endpoints: z.record(z.string(), countSchema) }))
    .describe("By Cloudflare's data centre (IATA code), local anywhere else"),
  countries: z.record(z.string(), countSchema).describe('By ISO 3166 code, local where it is not known'),
  series: z
    .array(statsIntervalSchema)
    .describe('The last hour, minute by minute, the oldest first; minutes without requests are absent'),
});
export type StatsResponse = z.infer<typeof statsResponseSchema>;
