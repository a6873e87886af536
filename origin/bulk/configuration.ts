import path from 'node:path';
import * as z from 'zod';
import { integerSetting, readSettings, secretListSetting } from '../../shared/settings.ts';
import { type OriginConfiguration, parseConfiguration as parseOrigin } from '../configuration.ts';
import { parseObjectLocation } from '../storage/location.ts';
import type { StoreOptions } from '../storage/stores.ts';
import type { QueueOptions } from './queue.ts';

const listOf = (text: string) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');

/** Settings that job service and workers share. */
export const bulkSettingsSchema = z.object({
  NATS_URL: z
    .string()
    .default('nats://127.0.0.1:4222')
    .describe('NATS servers with JetStream, separated by commas'),
  NATS_TOKEN: z.string().optional().describe('Token that the NATS servers ask for'),
  NATS_REPLICAS: integerSetting(1, 5)
    .default(1)
    .describe('NATS servers that keep each message; 3 where there are three'),
  JOBS_FOLDERS: z
    .string()
    .default('')
    .transform(listOf)
    .refine((folders) => folders.every((folder) => path.isAbsolute(folder)), {
      error: 'must be absolute paths, separated by commas',
    })
    .describe('Folders that jobs may read and write, absolute paths separated by commas; none by default'),
  JOBS_S3: z
    .enum(['true', 'false'], { error: 'must be true or false' })
    .default('false')
    .describe('Whether jobs may use the buckets that our AWS credentials reach'),
  JOBS_S3_ENDPOINT: z
    .url({ protocol: /^https?$/, error: 'must be an http(s) URL' })
    .optional()
    .describe('An S3 service that is not AWS: R2, MinIO, Ceph'),
  JOBS_S3_REGION: z.string().default('us-east-1').describe('Region of the buckets'),
  JOBS_ACK_WAIT_MS: integerSetting(300, 3_600_000)
    .default(60_000)
    .describe('A shard whose worker is not heard of for so long is handed out again'),
});

/** What only the job service reads. */
export const jobServiceSettingsSchema = z.object({
  ...bulkSettingsSchema.shape,
  JOBS_HOST: z.string().default('127.0.0.1').describe('Address that the job service listens on'),
  JOBS_PORT: integerSetting(0, 65_535).default(8070).describe('Port that the job service listens on'),
  JOBS_INDEX: z
    .string({ error: 'is missing: a folder or prefix for the index of all jobs' })
    .describe('Where the index of all jobs is: s3://bucket/prefix/ or an absolute path in JOBS_FOLDERS'),
  JOBS_SHARD_IMAGES: integerSetting(1, 10_000).default(200).describe('Images in one shard'),
  JOBS_RECONCILE_MS: integerSetting(100, 3_600_000)
    .default(15_000)
    .describe('How often the queue is compared with the storage'),
  JOBS_WEBHOOK_SECRET: z
    .string()
    .min(24, { error: 'must have at least 24 characters' })
    .optional()
    .describe('Signs webhooks; without it jobs cannot have any'),
  ORIGIN_SECRET: secretListSetting(32).describe('As of the origin: shared with the edges'),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe('Least level of what is logged'),
});

export interface BulkConfiguration {
  queue: QueueOptions;
  stores: StoreOptions;
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

/** The origin's settings for extraction, and those of jobs. @throws SettingsError */
export function parseWorkerConfiguration(
  environment: Record<string, string | undefined>,
): BulkConfiguration & { origin: OriginConfiguration } {
  // A worker takes no requests: it has no secret to share.
  const origin = parseOrigin({ ...environment, ORIGIN_SECRET: 'x'.repeat(32) });
  return { ...bulkConfiguration(readSettings(bulkSettingsSchema, environment)), origin };
}
