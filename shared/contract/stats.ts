import * as z from 'zod';

/** How a request was answered: from a cache tier, by computing features, or without features. */
export const outcomeSchema = z.enum(['memory', 'redis', 'origin', 'other']);
export type Outcome = z.infer<typeof outcomeSchema>;

const countSchema = z.int().min(0);
const hitRateSchema = z.number().min(0).max(1).nullable().describe('0 to 1; null before the first look-up');

const tierSchema = z.object({
  hits: countSchema,
  hit_rate: hitRateSchema.describe('Share of all look-ups that this tier answered'),
});

/** JSON answer of `GET /api/v1/stats`. */
export const statsAnswerSchema = z.object({
  scope: z
    .enum(['service', 'isolate'])
    .describe(
      'service: all of it, as of some seconds ago; isolate: just this one, while Redis does not answer',
    ),
  requests: countSchema,
  cache: z.object({
    hits: countSchema,
    misses: countSchema.describe('Features that were computed'),
    hit_rate: hitRateSchema,
    tiers: z.object({ memory: tierSchema, redis: tierSchema }),
  }),
  latency_ms: z
    .object({
      upper_bounds: z.array(z.number()).describe('Of the buckets; one more has no bound'),
      counts: z.record(outcomeSchema, z.array(countSchema)),
    })
    .describe('Histogram by outcome. A Worker has no clock between I/O: what is computed alone counts as 0'),
  endpoints: z.record(z.string(), z.object({ requests: countSchema, errors: countSchema })),
  regions: z
    .record(z.string(), z.object({ requests: countSchema, endpoints: z.record(z.string(), countSchema) }))
    .describe("By Cloudflare's data centre (IATA code), local anywhere else"),
  countries: z.record(z.string(), countSchema).describe('By ISO 3166 code, local where it is not known'),
});
export type StatsAnswer = z.infer<typeof statsAnswerSchema>;
