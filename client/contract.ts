/**
 * The types of requests and responses, inferred from the schemas that the service itself uses. Types alone: no schema
 * library gets into the bundle. In the published package they are plain interfaces, see `packaging/contract-types.ts`.
 */
import type * as z from 'zod';
import type {
  descriptorRowsSchema,
  detectAnswerSchema,
  healthAnswerSchema,
  keypointColumnsSchema,
  matchAnswerSchema,
} from '../shared/contract/answers.ts';
import type {
  cacheDeletionAnswerSchema,
  cacheEntryAnswerSchema,
  cacheListAnswerSchema,
} from '../shared/contract/cache-administration.ts';
import type { errorCodeSchema } from '../shared/contract/errors.ts';
import type { detectParametersSchema, matchParametersSchema } from '../shared/contract/parameters.ts';
import type { statsAnswerSchema } from '../shared/contract/stats.ts';

/** Every `error_code` of the service. */
export type ErrorCode = z.infer<typeof errorCodeSchema>;

/** Parameters of `detect` by their names in the API; all have defaults. */
export type DetectParameters = z.input<typeof detectParametersSchema>;
export type DetectResponse = z.infer<typeof detectAnswerSchema>;
/** What `include: 'keypoints'` adds. */
export type KeypointColumns = z.infer<typeof keypointColumnsSchema>;
/** What `include: 'all'` adds beside the columns. */
export type DescriptorRows = z.infer<typeof descriptorRowsSchema>;

export type MatchParameters = z.input<typeof matchParametersSchema>;
export type MatchResponse = z.infer<typeof matchAnswerSchema>;

export type HealthResponse = z.infer<typeof healthAnswerSchema>;
export type StatsResponse = z.infer<typeof statsAnswerSchema>;

export type CacheListResponse = z.infer<typeof cacheListAnswerSchema>;
export type CacheEntryResponse = z.infer<typeof cacheEntryAnswerSchema>;
export type CacheDeletionResponse = z.infer<typeof cacheDeletionAnswerSchema>;
