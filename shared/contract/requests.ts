import * as z from 'zod';
import { errorCodeSchema } from './errors.ts';
import { outcomeSchema } from './stats.ts';

/** The most requests that Redis keeps. */
export const MAX_RECENT_REQUESTS = 1_000;

/** A request that was responded to. It holds nothing of the image, the API key or the address of the client. */
export const recentRequestSchema = z.object({
  time: z.iso.datetime().describe('When the response began'),
  request_id: z.string(),
  method: z.string(),
  path: z.string().describe('Without the query, cut at 256 characters'),
  status: z.int(),
  error_code: errorCodeSchema.nullable(),
  duration_ms: z.number().min(0),
  outcome: outcomeSchema.describe(
    'Tier that had the features; `origin` if they were computed, `other` for requests without features',
  ),
  region: z.string().describe("Cloudflare's data centre (IATA code), local anywhere else"),
});
export type RecentRequest = z.infer<typeof recentRequestSchema>;

const limitError = `must be a whole number from 1 to ${MAX_RECENT_REQUESTS}`;

/** Query of `GET /api/v1/requests`. */
export const requestsQuerySchema = z.strictObject({
  status: z
    .string()
    .regex(/^([1-5]\d\d|[1-5]xx)$/, { error: 'must be a status such as 404, or a class such as 4xx' })
    .optional()
    .describe('Only requests whose response has this status, such as 404, or class of status, such as 4xx'),
  path: z
    .string()
    .min(1, { error: 'must be 1 to 256 characters' })
    .max(256, { error: 'must be 1 to 256 characters' })
    .optional()
    .describe('Only requests whose path contains this text'),
  request_id: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,128}$/, { error: 'must be a request id' })
    .optional()
    .describe('Only requests with this id'),
  limit: z.coerce
    .number<number>({ error: limitError })
    .int({ error: limitError })
    .min(1, { error: limitError })
    .max(MAX_RECENT_REQUESTS, { error: limitError })
    .default(100)
    .describe('Maximum number of requests in the response'),
});
export type RequestsQuery = z.infer<typeof requestsQuerySchema>;

/** JSON response of `GET /api/v1/requests`. */
export const requestsResponseSchema = z.object({
  success: z.literal(true),
  scope: z
    .enum(['service', 'isolate'])
    .describe(
      'service: the whole service, some seconds ago; isolate: only this isolate, because Redis does not respond',
    ),
  requests: z.array(recentRequestSchema).describe('The newest first'),
});
export type RequestsResponse = z.infer<typeof requestsResponseSchema>;
