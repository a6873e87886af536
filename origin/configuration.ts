import { availableParallelism, totalmem } from 'node:os';
import { z } from 'zod';
import { DEFAULT_MAX_IMAGE_BYTES, DEFAULT_MAX_IMAGE_PIXELS } from '../shared/contract/limits.ts';
import { integerSetting } from '../shared/integer-setting.ts';
import { SIFT_ENGINES } from './native/addon.ts';

/**
 * The memory that this process may use: the machine's, or less where a container limits it (cgroups).
 */
export function usableMemoryBytes(): number {
  // 0 or absurdly large where nothing limits the process.
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}

/** What is left of the memory belongs to Node, uploads, results and whatever else runs on the machine. */
const DEFAULT_MEMORY_SHARE = 0.75;

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

const configurationSchema = z
  .object({
    ORIGIN_HOST: z.string().default('127.0.0.1'),
    /** 0 takes any free port; the log tells which. */
    ORIGIN_PORT: integerSetting(0, 65_535).default(8080),
    ORIGIN_SECRET: z
      .string({ error: 'is missing: the secret that edge and origin share, at least 32 characters' })
      .min(32, { error: 'must have at least 32 characters' }),
    ORIGIN_THREADS: integerSetting(1, 1024).default(() => availableParallelism()),
    SIFT_ENGINE: z
      .enum(SIFT_ENGINES, { error: `must be one of: ${SIFT_ENGINES.join(', ')}` })
      .default('opencv'),
    ORIGIN_MEMORY_BYTES: integerSetting(64 * 1024 * 1024).default(() =>
      Math.floor(usableMemoryBytes() * DEFAULT_MEMORY_SHARE),
    ),
    ORIGIN_QUEUE_LENGTH: integerSetting(1, 100_000).default(64),
    ORIGIN_UPLOAD_BYTES: integerSetting(1).default(256 * 1024 * 1024),
    ORIGIN_TIMEOUT_MS: integerSetting(1, 3_600_000).default(30_000),
    MAX_IMAGE_BYTES: integerSetting(1).default(DEFAULT_MAX_IMAGE_BYTES),
    MAX_IMAGE_PIXELS: integerSetting(1).default(DEFAULT_MAX_IMAGE_PIXELS),
    LOG_FILE: z.string().optional(),
    LOG_LEVEL: z.enum(LOG_LEVELS, { error: `must be one of: ${LOG_LEVELS.join(', ')}` }).default('info'),
  })
  .refine((values) => values.ORIGIN_UPLOAD_BYTES >= values.MAX_IMAGE_BYTES, {
    path: ['ORIGIN_UPLOAD_BYTES'],
    error: 'must not be less than MAX_IMAGE_BYTES',
  })
  .transform((values) => ({
    host: values.ORIGIN_HOST,
    port: values.ORIGIN_PORT,
    secret: values.ORIGIN_SECRET,
    threads: values.ORIGIN_THREADS,
    engine: values.SIFT_ENGINE,
    /** What all running extractions together may take. */
    memoryBytes: values.ORIGIN_MEMORY_BYTES,
    /** How many extractions may wait. */
    queueLength: values.ORIGIN_QUEUE_LENGTH,
    /** What all uploads together may take, from their announcement until their extraction is done. */
    uploadBytes: values.ORIGIN_UPLOAD_BYTES,
    /** How long a request may take, waiting included, unless its caller allows less. */
    timeoutMs: values.ORIGIN_TIMEOUT_MS,
    limits: { maxBytes: values.MAX_IMAGE_BYTES, maxPixels: values.MAX_IMAGE_PIXELS },
    logLevel: values.LOG_LEVEL,
    /** Where the log goes beside standard output. */
    logFile: values.LOG_FILE,
  }));

export type OriginConfiguration = z.infer<typeof configurationSchema>;

/** `message` lists every problem, one a line, in words for whoever sets the environment. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}

/**
 * @param environment an empty value counts as not set
 * @throws ConfigurationError
 */
export function parseConfiguration(environment: Record<string, string | undefined>): OriginConfiguration {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value));
  const parsed = configurationSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `  ${issue.path.join('.')} ${issue.message}`);
  throw new ConfigurationError(`The origin cannot start with this environment:\n${problems.join('\n')}`);
}
