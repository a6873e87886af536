/**
 * The types of requests and responses, from the route declarations that the service itself uses. Types alone: no
 * schema library gets into the bundle. In the published package they are written out, see
 * `packaging/contract-types.ts`.
 */
import type * as z from 'zod';
import type { errorCodeSchema } from '../shared/contract/errors.ts';
import type { jobListResponseSchema, jobRequestSchema, jobResponseSchema } from '../shared/contract/jobs.ts';
import type {
  descriptorRowsSchema,
  detectResponseSchema,
  keypointColumnsSchema,
} from '../shared/contract/responses.ts';
import type { QueryOf, ResponseOf } from '../shared/contract/route.ts';
import type { Routes } from '../shared/contract/routes/index.ts';
import type { predictionSchema } from '../shared/contract/vehicles.ts';

/** Every `error_code` of the service. */
export type ErrorCode = z.infer<typeof errorCodeSchema>;

/** Parameters of `detect` by their names in the API; all have defaults. */
export type DetectParameters = QueryOf<Routes['detect']>;
export type DetectResponse = z.infer<typeof detectResponseSchema>;
/** What `include: 'keypoints'` adds. */
export type KeypointColumns = z.infer<typeof keypointColumnsSchema>;
/** What `include: 'all'` adds beside the columns. */
export type DescriptorRows = z.infer<typeof descriptorRowsSchema>;

export type ExistsResponse = ResponseOf<Routes['exists']>;

export type MatchParameters = QueryOf<Routes['match']>;
export type MatchResponse = ResponseOf<Routes['match']>;

export type ClassifyParameters = QueryOf<Routes['classifyVehicle']>;
export type ClassifyResponse = ResponseOf<Routes['classifyVehicle']>;
/** What is known of one attribute of a vehicle. */
export type VehiclePrediction = z.infer<typeof predictionSchema>;
export type ReportParameters = QueryOf<Routes['reportVehicle']>;
export type ReportResponse = ResponseOf<Routes['reportVehicle']>;
export type ModelsResponse = ResponseOf<Routes['vehicleModels']>;

export type HealthResponse =
  | ResponseOf<Routes['health']>
  | ResponseOf<Routes['health'], 'application/json', 503>;
export type StatsResponse = ResponseOf<Routes['stats']>;

export type CacheListResponse = ResponseOf<Routes['listCacheKeys']>;
export type CacheEntryResponse = ResponseOf<Routes['inspectCacheKey']>;
export type CacheDeletionResponse = ResponseOf<Routes['deleteCacheKey']>;

export type JobRequest = z.input<typeof jobRequestSchema>;
export type JobResponse = z.infer<typeof jobResponseSchema>;
export type JobListResponse = z.infer<typeof jobListResponseSchema>;
