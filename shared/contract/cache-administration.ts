import * as z from 'zod';

const cursorError = 'must be the cursor of a response';
/** Begins the cursor of a page after all features: Redis' own cursor, among the vehicles, follows. */
export const VEHICLE_CURSOR = 'v';
/** Redis' cursors are unsigned 64-bit integers. */
const GREATEST_CURSOR = 2n ** 64n - 1n;

const cursorSchema = z
  .string()
  .regex(/^v?\d{1,20}$/, { error: cursorError, abort: true })
  .refine((text) => BigInt(text.replace(VEHICLE_CURSOR, '')) <= GREATEST_CURSOR, { error: cursorError })
  .describe('Cursor from the previous page');

const patternError = 'must be a pattern of 1 to 256 characters';
const patternSchema = z
  .string({ error: patternError })
  .min(1, { error: patternError })
  .max(256, { error: patternError })
  .describe("Redis' glob pattern for the whole key of a result: * ? [abc]");

const limitError = 'must be a whole number from 1 to 1000';

/** Query of `GET /api/v1/cache/keys`. */
export const cacheListQuerySchema = z.strictObject({
  pattern: patternSchema.default('*'),
  cursor: cursorSchema.default('0'),
  limit: z.coerce
    .number<number>({ error: limitError })
    .int({ error: limitError })
    .min(1, { error: limitError })
    .max(1000, { error: limitError })
    .default(100)
    .describe('Approximate number of keys in a page'),
});
export type CacheListQuery = z.infer<typeof cacheListQuerySchema>;

/** Query of `DELETE /api/v1/cache/keys`: without a default, so that everything goes only when `*` says so. */
export const cacheClearQuerySchema = z.strictObject({
  pattern: patternSchema,
  cursor: cursorSchema.default('0'),
});
export type CacheClearQuery = z.infer<typeof cacheClearQuerySchema>;

const nextCursorSchema = z.string().nullable().describe('For the next request; null at the end');
const ttlSchema = z.int().nullable().describe('Seconds until it expires; null if it does not');

export const cacheListResponseSchema = z.object({
  success: z.literal(true),
  keys: z.array(z.object({ key: z.string(), ttl_s: ttlSchema })),
  cursor: nextCursorSchema,
});
export type CacheListResponse = z.infer<typeof cacheListResponseSchema>;

export const cacheEntryResponseSchema = z.object({
  success: z.literal(true),
  key: z.string(),
  ttl_s: ttlSchema,
  bytes: z.int().min(0).describe('Size of all records together'),
  records: z.array(
    z.object({
      name: z.string().describe('Of features summary, payload:0, …; of a vehicle classification'),
      bytes: z.int().min(0),
      ttl_s: ttlSchema,
    }),
  ),
});
export type CacheEntryResponse = z.infer<typeof cacheEntryResponseSchema>;

export const cacheDeletionResponseSchema = z.object({
  success: z.literal(true),
  deleted_keys: z.int().min(0),
  deleted_records: z.int().min(0).describe('Redis records, one to five for each key'),
  cursor: nextCursorSchema,
});
export type CacheDeletionResponse = z.infer<typeof cacheDeletionResponseSchema>;
