import { availableParallelism, totalmem } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { DEFAULT_MAX_IMAGE_BYTES, DEFAULT_MAX_IMAGE_PIXELS } from '../shared/contract/limits.ts';
import { MAX_MATCH_BODY_BYTES } from '../shared/matching.ts';
import { integerSetting, readSettings, secretListSetting, shareSetting } from '../shared/settings.ts';
import { collectorUrl, otlpHeadersSchema } from '../shared/tracing/settings.ts';
import { SIFT_ENGINES } from './native/addon.ts';

/**
 * The memory that this process may use: the machine's, or less where a container limits it (cgroups).
 */
export function usableMemoryBytes(): number {
  // 0 or absurdly large where nothing limits the process.
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}

/** What is left of the memory belongs to Node, uploads, results and other processes on the machine. */
const DEFAULT_MEMORY_SHARE = 0.75;

const SERVICE_FOLDER = fileURLToPath(new URL('../', import.meta.url));

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/** Settings of the origin: environment variables of the same names. */
export const settingsSchema = z.object({
  ORIGIN_HOST: z.string().default('127.0.0.1').describe('Address to listen on'),
  ORIGIN_PORT: integerSetting(0, 65_535)
    .default(8080)
    .describe('Port to listen on. 0 chooses a free port, which is logged'),
  ORIGIN_METRICS_PORT: integerSetting(0, 65_535)
    .default(9464)
    .describe('Port for Prometheus, which no edge needs to reach. 0 chooses a free port, which is logged'),
  ORIGIN_SECRET: secretListSetting(32).describe(
    'Secret shared with the edges, which sign requests with it. In a list, all are accepted',
  ),
  ORIGIN_THREADS: integerSetting(1, 1024)
    .default(() => availableParallelism())
    .describe('Number of worker threads: jobs at the same time')
    .meta({ computed: 'one per core' }),
  SIFT_ENGINE: z
    .enum(SIFT_ENGINES, { error: `must be one of: ${SIFT_ENGINES.join(', ')}` })
    .default('edgesift')
    .describe('Engine that extracts features. It is part of the key of every result'),
  ORIGIN_MEMORY_BYTES: integerSetting(64 * 1024 * 1024)
    .default(() => Math.floor(usableMemoryBytes() * DEFAULT_MEMORY_SHARE))
    .describe('Memory in bytes that all running jobs may take together, as estimated')
    .meta({ computed: "3/4 of the machine's or container's" }),
  ORIGIN_QUEUE_LENGTH: integerSetting(1, 100_000)
    .default(64)
    .describe('Number of jobs that may wait. Further jobs are refused'),
  ORIGIN_UPLOAD_BYTES: integerSetting(1)
    .default(256 * 1024 * 1024)
    .describe(
      'Memory in bytes that all uploads may take together. At least MAX_IMAGE_BYTES and the largest match',
    ),
  JOB_TIMEOUT_MS: integerSetting(1, 3_600_000)
    .default(30_000)
    .describe('Maximum time in milliseconds for a job, including the queue. The edge can set less'),
  MAX_IMAGE_BYTES: integerSetting(1)
    .default(DEFAULT_MAX_IMAGE_BYTES)
    .describe('Maximum size of an image file in bytes'),
  MAX_IMAGE_PIXELS: integerSetting(1)
    .default(DEFAULT_MAX_IMAGE_PIXELS)
    .describe('Maximum width × height of an image'),
  VEHICLE_MODELS: z
    .string()
    .default('models/vehicles')
    .describe('Folder with the registry of vehicle models, relative to the folder of the service'),
  VEHICLE_SHADOW_SHARE: shareSetting()
    .default(0)
    .describe('Share of computed classifications that the challenger repeats after the response, 0 to 1'),
  OTEL_EXPORTER_OTLP_ENDPOINT: collectorUrl.describe(
    'URL of an OTLP/HTTP collector for spans, without /v1/traces',
  ),
  OTEL_EXPORTER_OTLP_HEADERS: otlpHeadersSchema.describe(
    'Headers for the collector, as name=value,name=value',
  ),
  REDIS_URL: z
    .url({ protocol: /^rediss?$/, error: 'must be a URL such as redis://host:6379 or rediss://…' })
    .optional()
    .describe(
      'Redis that results are written to, such as rediss://default:PASSWORD@HOST:6379. Without it, edges share no results',
    ),
  UPSTASH_REDIS_REST_URL: z
    .url({ error: 'must be an http(s) URL' })
    .optional()
    .describe('REST URL to write results to, if REDIS_URL is not set. Needs UPSTASH_REDIS_REST_TOKEN'),
  UPSTASH_REDIS_REST_TOKEN: z.string().optional().describe('Token of UPSTASH_REDIS_REST_URL'),
  LOG_FILE: z
    .string()
    .optional()
    .describe('Log file in addition to standard output, such as logs/api.log. It rotates at 10 MB'),
  LOG_LEVEL: z
    .enum(LOG_LEVELS, { error: `must be one of: ${LOG_LEVELS.join(', ')}` })
    .default('info')
    .describe('Lowest level that is logged'),
});

const configurationSchema = settingsSchema
  .refine((values) => values.ORIGIN_UPLOAD_BYTES >= values.MAX_IMAGE_BYTES, {
    path: ['ORIGIN_UPLOAD_BYTES'],
    error: 'must not be less than MAX_IMAGE_BYTES',
  })
  .refine((values) => values.ORIGIN_UPLOAD_BYTES >= MAX_MATCH_BODY_BYTES, {
    path: ['ORIGIN_UPLOAD_BYTES'],
    error: `must not be less than ${MAX_MATCH_BODY_BYTES}, the features of two images to match`,
  })
  .refine((values) => !values.UPSTASH_REDIS_REST_URL || values.UPSTASH_REDIS_REST_TOKEN, {
    path: ['UPSTASH_REDIS_REST_TOKEN'],
    error: 'is needed with UPSTASH_REDIS_REST_URL',
  })
  .transform((values) => ({
    host: values.ORIGIN_HOST,
    port: values.ORIGIN_PORT,
    metricsPort: values.ORIGIN_METRICS_PORT,
    secrets: values.ORIGIN_SECRET,
    threads: values.ORIGIN_THREADS,
    engine: values.SIFT_ENGINE,
    /** What all running extractions together may take. */
    memoryBytes: values.ORIGIN_MEMORY_BYTES,
    /** How many extractions may wait. */
    queueLength: values.ORIGIN_QUEUE_LENGTH,
    /** What all uploads together may take, from their announcement until their extraction is done. */
    uploadBytes: values.ORIGIN_UPLOAD_BYTES,
    /** How long a request may take, waiting included, unless its caller allows less. */
    timeoutMs: values.JOB_TIMEOUT_MS,
    limits: { maxBytes: values.MAX_IMAGE_BYTES, maxPixels: values.MAX_IMAGE_PIXELS },
    /** Folder with the registry of vehicle models. */
    vehicleModels: path.resolve(SERVICE_FOLDER, values.VEHICLE_MODELS),
    /** Of the classifications that the challenger repeats. */
    vehicleShadowShare: values.VEHICLE_SHADOW_SHARE,
    collector: values.OTEL_EXPORTER_OTLP_ENDPOINT && {
      endpoint: values.OTEL_EXPORTER_OTLP_ENDPOINT,
      headers: values.OTEL_EXPORTER_OTLP_HEADERS,
    },
    store: storeOf(values),
    logLevel: values.LOG_LEVEL,
    /** Where the log goes beside standard output. */
    logFile: values.LOG_FILE,
  }));

/** Where results are shared. */
export type StoreConfiguration =
  | { protocol: 'tcp'; url: string }
  | { protocol: 'rest'; url: string; token: string };

function storeOf(values: z.infer<typeof settingsSchema>): StoreConfiguration | undefined {
  const { REDIS_URL, UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token } = values;
  if (REDIS_URL) return { protocol: 'tcp', url: REDIS_URL };
  return url && token ? { protocol: 'rest', url, token } : undefined;
}

export type OriginConfiguration = z.infer<typeof configurationSchema>;

/** @throws SettingsError */
export function parseConfiguration(environment: Record<string, string | undefined>): OriginConfiguration {
  return readSettings(configurationSchema, environment);
}
