import type * as z from 'zod';
import {
  type BatchProblemLine,
  type BatchResponseLine,
  type BatchSummaryLine,
  batchProblemLineSchema,
  batchResponseLineSchema,
  batchSummaryLineSchema,
} from '../../shared/contract/batch.ts';
import {
  type CacheDeletionResponse,
  type CacheEntryResponse,
  type CacheListResponse,
  cacheDeletionResponseSchema,
  cacheEntryResponseSchema,
  cacheListResponseSchema,
} from '../../shared/contract/cache-administration.ts';
import { problemOf, ServiceError } from '../../shared/contract/errors.ts';
import { type ExistsResponse, existsBodySchema, existsResponseSchema } from '../../shared/contract/exists.ts';
import {
  completeResponseSchema,
  keypointsResponseSchema,
  sha256Parameter,
} from '../../shared/contract/feature-content.ts';
import { type JobResponse, jobListResponseSchema, jobResponseSchema } from '../../shared/contract/jobs.ts';
import { DEFAULT_SIFT_PARAMETERS } from '../../shared/contract/parameters.ts';
import { type RequestsResponse, requestsResponseSchema } from '../../shared/contract/requests.ts';
import {
  aliveResponseSchema,
  type DetectResponse,
  detectResponseSchema,
  type HealthResponse,
  healthResponseSchema,
  type MatchResponse,
  matchResponseSchema,
  readyResponseSchema,
  unhealthyResponseSchema,
  unreadyResponseSchema,
} from '../../shared/contract/responses.ts';
import { type StatsResponse, statsResponseSchema } from '../../shared/contract/stats.ts';
import {
  type BatchClassifyResponse,
  type BatchClassifyResult,
  batchClassifyLastLineSchema,
  batchClassifyResponseSchema,
  batchClassifyResultSchema,
  type ClassifyResponse,
  classifyResponseSchema,
  type ModelsResponse,
  modelsResponseSchema,
  type ReportResponse,
  reportResponseSchema,
  type VehiclePrediction,
} from '../../shared/contract/vehicles.ts';
import { SERVICE_VERSION } from '../../shared/service.ts';

export const REQUEST_ID = 'ef0b255c-cba2-4c0f-9b28-7e3a6ab5d3f5';
const SHA256 = sha256Parameter.example;

const DETECT_EXAMPLE: DetectResponse = {
  success: true,
  keypoints: 2,
  descriptors_shape: [2, 128],
  cached: false,
  processing_time_ms: 49,
  request_id: REQUEST_ID,
  image: { sha256: SHA256, format: 'jpeg', width: 83, height: 61, bytes: 2058 },
  extractor: { name: 'edgesift', version: '1', parameters: DEFAULT_SIFT_PARAMETERS },
  cache: {
    tier: null,
    key: `edgesift@1/n0-l3-c0.04-e10-s1.6/${SHA256}`,
    ttl_s: 3600,
  },
  links: {
    self: `/api/v1/features/${SHA256}`,
    safetensors: `/api/v1/features/${SHA256}?format=safetensors`,
  },
};

const KEYPOINTS_EXAMPLE = {
  ...DETECT_EXAMPLE,
  x: [31.25, 7.5],
  y: [12.75, 40.125],
  size: [4.5, 2.25],
  angle: [271.5, 12.25],
  response: [0.0625, 0.03125],
  octave: [0, -1],
  layer: [1, 3],
};

const COMPLETE_EXAMPLE = {
  ...KEYPOINTS_EXAMPLE,
  descriptors: KEYPOINTS_EXAMPLE.x.map((_, row) => Array.from({ length: 128 }, (_, at) => (row + at) % 128)),
};

const BATCH_RESPONSE_EXAMPLE: BatchResponseLine = { index: 1, filename: 'b.jpg', ...DETECT_EXAMPLE };

const BATCH_PROBLEM_EXAMPLE: BatchProblemLine = {
  index: 0,
  filename: 'a.jpg',
  ...problemOf(
    new ServiceError('IMAGE_READ_ERROR', 'The JPEG image is damaged or incomplete and cannot be decoded.'),
    {
      path: '/api/v1/features/batch',
      id: REQUEST_ID,
    },
  ),
};

const BATCH_SUMMARY_EXAMPLE: BatchSummaryLine = {
  summary: { images: 2, succeeded: 1, failed: 1, cached: 0 },
  processing_time_ms: 71.4,
  request_id: REQUEST_ID,
};

const EXISTS_EXAMPLE: ExistsResponse = {
  success: true,
  cached: [SHA256],
  missing: 1,
  processing_time_ms: 8.3,
  request_id: REQUEST_ID,
};

const HEALTH_EXAMPLE: HealthResponse = {
  status: 'healthy',
  service: 'edgesift',
  version: SERVICE_VERSION,
  feature_detector_ready: true,
  cache_connected: true,
  uptime_seconds: 12.3,
};

const STATS_EXAMPLE: StatsResponse = {
  scope: 'service',
  requests: 110,
  cache: {
    hits: 80,
    misses: 20,
    hit_rate: 0.8,
    tiers: { memory: { hits: 50, hit_rate: 0.5 }, redis: { hits: 30, hit_rate: 0.3 } },
  },
  latency_ms: {
    upper_bounds: [10, 100, 1000],
    counts: { memory: [50, 0, 0, 0], redis: [28, 2, 0, 0], origin: [0, 18, 2, 0], other: [10, 0, 0, 0] },
  },
  endpoints: {
    'POST /api/v1/features/detect': { requests: 102, errors: 2 },
    'GET /health': { requests: 8, errors: 0 },
  },
  regions: {
    FRA: { requests: 110, endpoints: { 'POST /api/v1/features/detect': 102, 'GET /health': 8 } },
  },
  countries: { DE: 90, FR: 20 },
  errors: { IMAGE_READ_ERROR: 2 },
  series: [
    {
      from: '2026-11-28T10:15:00.000Z',
      requests: 12,
      hits: 9,
      misses: 2,
      errors: { IMAGE_READ_ERROR: 1 },
      latency_ms: { p50: 2, p90: 100, p99: 200 },
    },
  ],
};

const REQUESTS_EXAMPLE: RequestsResponse = {
  success: true,
  scope: 'service',
  requests: [
    {
      time: '2026-11-28T10:15:30.120Z',
      request_id: REQUEST_ID,
      method: 'POST',
      path: '/api/v1/features/detect',
      status: 422,
      error_code: 'IMAGE_READ_ERROR',
      duration_ms: 41.2,
      outcome: 'other',
      region: 'FRA',
    },
  ],
};

const FEATURE_KEY = DETECT_EXAMPLE.cache.key;

const matchedImage = { sha256: SHA256, width: 850, height: 680, keypoints: 8849, tier: 'memory' as const };

const MATCH_EXAMPLE: MatchResponse = {
  success: true,
  model: 'homography',
  matches: 2152,
  inliers: 2094,
  homography: {
    matrix: [
      [0.8573, 0.2157, 9.993],
      [-0.2119, 0.8582, 130.7],
      [0.00000129, 0.000000594, 1],
    ],
    reprojection_error: 0.565,
    median_reprojection_error: 0.495,
  },
  images: [matchedImage, { ...matchedImage, keypoints: 8545, tier: null }],
  parameters: { ratio: 0.75, threshold: 2, sift: DEFAULT_SIFT_PARAMETERS },
  cached: false,
  processing_time_ms: 512.3,
  request_id: REQUEST_ID,
};

const UNMATCHED_EXAMPLE: MatchResponse = {
  ...MATCH_EXAMPLE,
  matches: 2,
  inliers: 0,
  homography: null,
  reason: 'too_few_matches',
};

const CACHE_LIST_EXAMPLE: CacheListResponse = {
  success: true,
  keys: [{ key: FEATURE_KEY, ttl_s: 3541 }],
  cursor: '3072',
};

const CACHE_ENTRY_EXAMPLE: CacheEntryResponse = {
  success: true,
  key: FEATURE_KEY,
  ttl_s: 3541,
  bytes: 4818,
  records: [
    { name: 'summary', bytes: 711, ttl_s: 3541 },
    { name: 'payload:0', bytes: 4107, ttl_s: 3541 },
  ],
};

const CACHE_DELETION_EXAMPLE: CacheDeletionResponse = {
  success: true,
  deleted_keys: 1,
  deleted_records: 2,
  cursor: null,
};

const JOB_EXAMPLE: JobResponse = {
  id: 'job-0mihqw2n4-5f0c1ab2',
  state: 'running',
  created_at: '2026-11-28T10:00:00.000Z',
  finished_at: null,
  source: { prefix: 's3://photos/2026/' },
  output: 's3://photos/features/',
  formats: ['safetensors'],
  parameters: { ...DEFAULT_SIFT_PARAMETERS, root_sift: false },
  retry_of: null,
  images: { total: 100_000, done: 25_000, succeeded: 24_990, failed: 10, cached: 0 },
  shards: { total: 500, done: 124 },
  images_per_second: 250,
  seconds_left: 300,
  message: null,
  report: 's3://photos/features/_edgesift/job-0mihqw2n4-5f0c1ab2/',
};

const MODEL_SHA256 = '45b40a17c5a2d3e6dfe09e4b8dda61e6e5c062c45e354f01a51981ebd554bf73';
const CLASSIFIED_AT = '2026-11-28T10:15:30.120Z';

const MAKE_EXAMPLE: VehiclePrediction = {
  attribute_name: 'make',
  predicted_value: 'Audi',
  confidence: 0.94,
  raw_probabilities: { Audi: 0.94, BMW: 0.03, Volkswagen: 0.01 },
  confidence_metrics: {
    confidence: 0.94,
    rank_1_accuracy: 0.94,
    rank_2_accuracy: 0.03,
    uncertainty: 0.09,
    is_confident: true,
  },
};

const CLASSIFY_EXAMPLE: ClassifyResponse = {
  status: 'success',
  timestamp: CLASSIFIED_AT,
  data: {
    predictions: { make: MAKE_EXAMPLE },
    overall_confidence: 0.94,
    model_version: '1',
    class: {
      predicted_value: 'Audi A5 Coupe 2012',
      confidence: 0.71,
      raw_probabilities: { 'Audi A5 Coupe 2012': 0.71, 'Audi S5 Coupe 2012': 0.2 },
    },
    is_vehicle: true,
    vehicle_probability: 0.998,
    warnings: [{ code: 'blurred', message: 'The image is blurred or was enlarged.' }],
    image: { sha256: SHA256, format: 'jpeg', width: 640, height: 480, bytes: 48_123 },
    box: { x: 60, y: 120, width: 520, height: 280 },
    box_source: 'found',
    classifier: { name: 'edgesift-vehicles', version: '1', sha256: MODEL_SHA256 },
    processing_time_ms: 214.5,
    timestamp: CLASSIFIED_AT,
    cached: false,
    cache: { tier: null, key: `vehicle@1/auto/${SHA256}`, ttl_s: 3600 },
    links: { self: `/api/vehicle/${SHA256}`, model: '/api/models/metadata' },
    request_id: REQUEST_ID,
  },
};

const BATCH_RESULT_EXAMPLE: BatchClassifyResult = {
  filename: 'a.jpg',
  status: 'success',
  data: CLASSIFY_EXAMPLE.data,
};

const BATCH_CLASSIFY_EXAMPLE: BatchClassifyResponse = {
  status: 'success',
  timestamp: CLASSIFIED_AT,
  summary: { total_files: 2, successful: 1, failed: 1, average_processing_time_ms: 214.5 },
  results: [
    BATCH_RESULT_EXAMPLE,
    {
      filename: 'b.jpg',
      status: 'error',
      message: 'The JPEG image is damaged or incomplete and cannot be decoded.',
      error_code: 'IMAGE_READ_ERROR',
    },
  ],
};

const REPORT_EXAMPLE: ReportResponse = {
  status: 'success',
  timestamp: CLASSIFIED_AT,
  data: {
    vehicle_id: 'fleet-0042',
    report_date: CLASSIFIED_AT,
    classification_results: CLASSIFY_EXAMPLE.data,
    summary: 'The vehicle is most likely an Audi A5 Coupe 2012 (71 %). Overall confidence is high (94 %).',
    confidence_score: 0.94,
    recommendations: ['The image is blurred or was enlarged.'],
    metadata: {
      confidence_level: 'HIGH',
      levels: { make: 'HIGH' },
      expires_at: '2026-11-28T11:15:30.120Z',
      model_card: '/api/models/metadata',
    },
  },
};

const MODELS_EXAMPLE: ModelsResponse = {
  status: 'success',
  timestamp: CLASSIFIED_AT,
  data: {
    version: '1',
    pipeline_initialized: true,
    cached_models: ['edgesift-vehicles@1'],
    supported_attributes: ['make'],
    supported_formats: ['jpeg', 'png', 'bmp', 'tiff', 'webp', 'gif'],
    max_image_size: 10_485_760,
    cached_reports: 0,
    models: [
      {
        name: 'edgesift-vehicles',
        version: '1',
        alias: 'champion',
        sha256: MODEL_SHA256,
        bytes: 11_223_908,
        labels: { make: ['Audi', 'BMW'] },
        trained_on: '9334 images of vehicles, 332 images without',
        samples: 9334,
        split: '5-fold cross-validation, duplicates together',
        metrics: { make: { samples: 6475, top1: 0.895, top5: 0.97, ece: 0.006 } },
        trained_at: '2026-11-28T11:38:51.995Z',
        card: '# edgesift-vehicles, version 1',
      },
    ],
  },
};

export interface Example {
  summary?: string;
  value: unknown;
}

/** Named examples of each schema that a response can have. */
export const EXAMPLES = new Map<z.core.$ZodType, Record<string, Example>>([
  [classifyResponseSchema, { vehicle: { value: CLASSIFY_EXAMPLE } }],
  [batchClassifyResponseSchema, { batch: { value: BATCH_CLASSIFY_EXAMPLE } }],
  [batchClassifyResultSchema, { result: { summary: 'An image', value: BATCH_RESULT_EXAMPLE } }],
  [
    batchClassifyLastLineSchema,
    {
      summary: {
        summary: 'The last line',
        value: { status: 'success', timestamp: CLASSIFIED_AT, summary: BATCH_CLASSIFY_EXAMPLE.summary },
      },
    },
  ],
  [modelsResponseSchema, { models: { value: MODELS_EXAMPLE } }],
  [reportResponseSchema, { report: { value: REPORT_EXAMPLE } }],
  [jobResponseSchema, { job: { value: JOB_EXAMPLE } }],
  [jobListResponseSchema, { jobs: { value: { jobs: [JOB_EXAMPLE], next: null } } }],
  [detectResponseSchema, { summary: { summary: 'include=summary', value: DETECT_EXAMPLE } }],
  [keypointsResponseSchema, { keypoints: { summary: 'include=keypoints', value: KEYPOINTS_EXAMPLE } }],
  [completeResponseSchema, { all: { summary: 'include=all', value: COMPLETE_EXAMPLE } }],
  [
    batchResponseLineSchema,
    { response: { summary: 'An image with its features', value: BATCH_RESPONSE_EXAMPLE } },
  ],
  [batchProblemLineSchema, { problem: { summary: 'An image that failed', value: BATCH_PROBLEM_EXAMPLE } }],
  [batchSummaryLineSchema, { summary: { summary: 'The last line', value: BATCH_SUMMARY_EXAMPLE } }],
  [
    matchResponseSchema,
    {
      homography: { summary: 'The images match', value: MATCH_EXAMPLE },
      none: { summary: 'They do not', value: UNMATCHED_EXAMPLE },
    },
  ],
  [existsBodySchema, { hashes: { value: { sha256: [SHA256, '0'.repeat(64)] } } }],
  [existsResponseSchema, { partly: { summary: 'One of two', value: EXISTS_EXAMPLE } }],
  [readyResponseSchema, { healthy: { value: { ...HEALTH_EXAMPLE, vehicle_classifier_ready: true } } }],
  [
    unreadyResponseSchema,
    {
      unhealthy: {
        value: {
          ...HEALTH_EXAMPLE,
          status: 'unhealthy',
          feature_detector_ready: false,
          vehicle_classifier_ready: false,
        },
      },
    },
  ],
  [healthResponseSchema, { healthy: { value: HEALTH_EXAMPLE } }],
  [
    unhealthyResponseSchema,
    { unhealthy: { value: { ...HEALTH_EXAMPLE, status: 'unhealthy', feature_detector_ready: false } } },
  ],
  [aliveResponseSchema, { alive: { value: { status: 'alive' } } }],
  [statsResponseSchema, { stats: { value: STATS_EXAMPLE } }],
  [requestsResponseSchema, { latest: { value: REQUESTS_EXAMPLE } }],
  [cacheListResponseSchema, { page: { value: CACHE_LIST_EXAMPLE } }],
  [cacheEntryResponseSchema, { entry: { value: CACHE_ENTRY_EXAMPLE } }],
  [cacheDeletionResponseSchema, { deletion: { value: CACHE_DELETION_EXAMPLE } }],
]);
