import path from 'node:path';
import * as z from 'zod';
import { integerSetting, readSettings, secretListSetting } from '../../shared/settings.ts';
import { LOG_LEVELS, type OriginConfiguration, parseConfiguration as parseOrigin } from '../configuration.ts';
import { parseObjectLocation } from '../storage/location.ts';
import { type Network, parseNetwork } from '../storage/public-address.ts';
import type { StoreOptions } from '../storage/stores.ts';
import type { QueueOptions } from './queue.ts';

const listOf = (text: string) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');

function isNetwork(text: string): boolean {
  try {
    parseNetwork(text);
    return true;
  } catch {
    return false;
  }
}

/** Settings that job service and workers share. */
export const bulkSettingsSchema = z.object({
  NATS_URL: z
    .string()
    .default('nats://127.0.0.1:4222')
    .describe('NATS servers with JetStream, separated by commas'),
  NATS_TOKEN: z.string().optional().describe('Token for the NATS servers'),
  NATS_REPLICAS: integerSetting(1, 5)
    .default(1)
    .describe('Number of NATS servers that keep each message; 3 if you run three'),
  JOBS_FOLDERS: z
    .string()
    .default('')
    .transform(listOf)
    .refine((folders) => folders.every((folder) => path.isAbsolute(folder)), {
      error: 'must be absolute paths, separated by commas',
    })
    .describe('Folders that jobs may read and write: absolute paths, separated by commas'),
  JOBS_S3: z
    .enum(['true', 'false'], { error: 'must be true or false' })
    .default('false')
    .describe('Whether jobs may use the buckets that the AWS credentials of the service allow'),
  JOBS_S3_ENDPOINT: z
    .url({ protocol: /^https?$/, error: 'must be an http(s) URL' })
    .optional()
    .describe('URL of an S3 service other than AWS, such as R2, MinIO or Ceph'),
  JOBS_S3_REGION: z.string().default('us-east-1').describe('Region of the buckets'),
  JOBS_ACK_WAIT_MS: integerSetting(300, 3_600_000)
    .default(60_000)
    .describe(
      'Time in milliseconds without a sign of life from a worker, after which another worker gets its shard',
    ),
  JOBS_PRIVATE_NETWORKS: z
    .string()
    .default('')
    .transform(listOf)
    .refine((networks) => networks.every(isNetwork), {
      error: 'must be networks such as 10.0.0.0/8, separated by commas',
    })
    .describe(
      'Private networks that images and webhooks may be in, as 10.0.0.0/8, separated by commas. Without it, only public addresses',
    ),
});

/** What only the job service reads. */
export const jobServiceSettingsSchema = z.object({
  ...bulkSettingsSchema.shape,
  JOBS_HOST: z.string().default('127.0.0.1').describe('Address to listen on'),
  JOBS_PORT: integerSetting(0, 65_535).default(8070).describe('Port to listen on'),
  JOBS_INDEX: z
    .string({ error: 'is missing: a folder or prefix for the index of all jobs' })
    .describe('Location of the index of all jobs: s3://bucket/prefix/ or an absolute path in JOBS_FOLDERS'),
  JOBS_SHARD_IMAGES: integerSetting(1, 10_000).default(200).describe('Number of images in a shard'),
  JOBS_RECONCILE_MS: integerSetting(100, 3_600_000)
    .default(15_000)
    .describe('Time in milliseconds between two comparisons of queue and storage'),
  JOBS_WEBHOOK_SECRET: z
    .string()
    .min(24, { error: 'must have at least 24 characters' })
    .optional()
    .describe('Secret that signs webhooks. Without it, jobs cannot have webhooks'),
  ORIGIN_SECRET: secretListSetting(32).describe('Secret shared with the edges, as for the origin'),
  LOG_LEVEL: z
    .enum(LOG_LEVELS, { error: `must be one of: ${LOG_LEVELS.join(', ')}` })
    .default('info')
    .describe('Lowest level that is logged'),
});

/** What only workers read, beside the origin's settings for extraction. */
export const workerSettingsSchema = z.object({
  ...bulkSettingsSchema.shape,
  WORKER_HOST: z
    .string()
    .default('127.0.0.1')
    .describe('Address on which a worker serves its health and metrics'),
  WORKER_PORT: integerSetting(1, 65_535)
    .optional()
    .describe('Port on which a worker serves its health and metrics. Without it, it listens on none'),
});

export interface BulkConfiguration {
  queue: QueueOptions;
  stores: StoreOptions;
  /** Private networks that may be reached over HTTPS. */
  networks: readonly Network[];
}

function bulkConfiguration(values: z.infer<typeof bulkSettingsSchema>): BulkConfiguration {
  return {
    queue: {
      servers: listOf(values.NATS_URL),
      token: values.NATS_TOKEN,
      replicas: values.NATS_REPLICAS,
      ackWaitMs: values.JOBS_ACK_WAIT_MS,
    },
    stores: {
      folders: values.JOBS_FOLDERS,
      s3:
        values.JOBS_S3 === 'true'
          ? { endpoint: values.JOBS_S3_ENDPOINT, region: values.JOBS_S3_REGION }
          : undefined,
    },
    networks: values.JOBS_PRIVATE_NETWORKS.map(parseNetwork),
  };
}

const indexSchema = jobServiceSettingsSchema.refine(({ JOBS_INDEX }) => isObjectLocation(JOBS_INDEX), {
  path: ['JOBS_INDEX'],
  error: 'must be s3://bucket/prefix/ or an absolute path',
});

function isObjectLocation(text: string): boolean {
  try {
    parseObjectLocation(text);
    return true;
  } catch {
    return false;
  }
}

/** @throws SettingsError */
export function parseJobServiceConfiguration(environment: Record<string, string | undefined>) {
  const values = readSettings(indexSchema, environment);
  return {
    ...bulkConfiguration(values),
    host: values.JOBS_HOST,
    port: values.JOBS_PORT,
    index: parseObjectLocation(values.JOBS_INDEX),
    shardImages: values.JOBS_SHARD_IMAGES,
    reconcileMs: values.JOBS_RECONCILE_MS,
    webhookSecret: values.JOBS_WEBHOOK_SECRET,
    secrets: values.ORIGIN_SECRET,
    logLevel: values.LOG_LEVEL,
  };
}

export interface WorkerConfiguration extends BulkConfiguration {
  origin: OriginConfiguration;
  /** Where health and metrics are served. */
  listen: { host: string; port: number } | undefined;
  /** Where results of edges and origins are looked up. */
  cache: { url: string; secrets: readonly string[] } | undefined;
}

const NO_SECRET = 'x'.repeat(32);

/** The origin's settings for extraction, and those of jobs. @throws SettingsError */
export function parseWorkerConfiguration(
  environment: Record<string, string | undefined>,
): WorkerConfiguration {
  // A worker takes no requests: it needs the secret only to authenticate the records in Redis.
  const needsSecret = (environment.REDIS_URL ?? '') !== '';
  const origin = parseOrigin(needsSecret ? environment : { ...environment, ORIGIN_SECRET: NO_SECRET });
  const values = readSettings(workerSettingsSchema, environment);
  return {
    ...bulkConfiguration(values),
    origin,
    listen:
      values.WORKER_PORT === undefined ? undefined : { host: values.WORKER_HOST, port: values.WORKER_PORT },
    cache: origin.store?.protocol === 'tcp' ? { url: origin.store.url, secrets: origin.secrets } : undefined,
  };
}
