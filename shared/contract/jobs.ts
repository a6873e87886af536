import * as z from 'zod';
import { errorCodeSchema } from './errors.ts';
import { detectParametersSchema } from './parameters.ts';

/** Images that a request may name itself; more are named by a manifest. */
const MAX_INLINE_IMAGES = 10_000;

/** Bytes of a request's JSON. */
export const MAX_JOB_REQUEST_BYTES = 2 * 1024 * 1024;

const LONGEST_LOCATION = 2048;

function location(schemes: string, description: string) {
  return z
    .string()
    .min(2)
    .max(LONGEST_LOCATION)
    .regex(/^(s3:\/\/[^/]+\/|\/|https:\/\/)/, { error: `must be ${schemes}` })
    .describe(description);
}

const objectLocation = (description: string) =>
  location('s3://bucket/key or an absolute path', description).regex(/^(?!https:)/, {
    error: 'must be s3://bucket/key or an absolute path',
  });

const webhookUrl = z.url({ protocol: /^https$/, error: 'must be an https:// URL' }).max(LONGEST_LOCATION);

/** Where the images are: one of three. */
const sourceSchema = z
  .strictObject({
    prefix: objectLocation('A folder or the prefix of a bucket; every image file in it is taken').optional(),
    manifest: objectLocation(
      'A list of images: a location a line, or NDJSON with `image`, and perhaps `version_id` and `output`',
    ).optional(),
    images: z
      .array(location('s3://bucket/key, an absolute path or an https:// URL', 'Location of an image'))
      .max(MAX_INLINE_IMAGES)
      .describe('The locations themselves')
      .optional(),
  })
  .refine((source) => Object.values(source).filter((value) => value !== undefined).length === 1, {
    error: 'must have exactly one of prefix, manifest and images',
  });
export type JobSource = z.infer<typeof sourceSchema>;

/** Parameters of an extraction by the names of `detect`, without those of its representation. */
export const jobParametersSchema = detectParametersSchema.omit({ include: true, format: true });

/** Formats of a result beside safetensors, which is always written: it marks an image as done. */
export const jobFormatSchema = z.enum(['safetensors', 'npz', 'colmap', 'key']);

/** Body of `POST /api/v1/jobs`. */
export const jobRequestSchema = z.strictObject({
  source: sourceSchema,
  output: objectLocation('Folder or prefix for results and reports'),
  parameters: jobParametersSchema.prefault({}).describe('Parameters of detect'),
  formats: z
    .array(jobFormatSchema)
    .max(4)
    .default(['safetensors'])
    .describe('safetensors is always written; root_sift changes only the others'),
  webhook: webhookUrl.optional().describe('URL that receives the job by POST when it has ended'),
});
export type JobRequest = z.infer<typeof jobRequestSchema>;

export const jobStateSchema = z.enum(['planning', 'running', 'completed', 'cancelled', 'failed']);
export type JobState = z.infer<typeof jobStateSchema>;

export function isFinal(state: JobState): boolean {
  return state !== 'planning' && state !== 'running';
}

/** Sorts by time. */
export const jobIdSchema = z.string().regex(/^job-[0-9a-z]{9}-[0-9a-f]{8}$/, 'is no job id');

const count = () => z.int().min(0);

/** A job as clients see it. */
export const jobResponseSchema = z.object({
  id: jobIdSchema,
  state: jobStateSchema.describe('completed: every image has a result or a reason in the report'),
  created_at: z.iso.datetime(),
  finished_at: z.iso.datetime().nullable(),
  source: z.object({
    prefix: z.string().optional(),
    manifest: z.string().optional(),
    images: count().optional().describe('Number of images in the request'),
  }),
  output: z.string(),
  formats: z.array(jobFormatSchema),
  parameters: z.record(z.string(), z.unknown()),
  retry_of: jobIdSchema.nullable().describe('The job whose failed images this job retries'),
  images: z.object({
    total: count().nullable().describe('null until all are listed'),
    done: count(),
    succeeded: count(),
    failed: count(),
    cached: count().describe('Number of succeeded images whose results existed already'),
  }),
  shards: z.object({ total: count().nullable(), done: count() }),
  images_per_second: z.number().min(0).nullable().describe('Rate of the last minute'),
  seconds_left: z.number().min(0).nullable().describe('Time left at this rate'),
  message: z.string().nullable().describe('What delays the job, or why it failed'),
  report: z.string().describe('Location of the reports: one file for each shard, and report.json at the end'),
});
export type JobResponse = z.infer<typeof jobResponseSchema>;

export const jobListResponseSchema = z.object({
  jobs: z.array(jobResponseSchema),
  next: jobIdSchema.nullable().describe('Value of `before` for the next page; null on the last page'),
});

/** Query of `GET /api/v1/jobs`, newest first. */
export const jobListQuerySchema = z.strictObject({
  limit: z
    .string()
    .regex(/^([1-9]\d?|100)$/, { error: 'must be a whole number from 1 to 100' })
    .default('50')
    .describe('Number of jobs in the response, 1 to 100'),
  before: jobIdSchema.optional().describe('Only jobs that are older than this one'),
});

/** Why an image of a job failed: an error of the API, or one that only jobs meet. */
export const imageFailureSchema = z.enum([...errorCodeSchema.options, 'SOURCE_UNAVAILABLE']);
export type ImageFailure = z.infer<typeof imageFailureSchema>;

/** Columns of a shard's report, those of S3 Batch Operations; `Key` and `ResultMessage` are quoted where needed. */
export const REPORT_COLUMNS = [
  'Bucket',
  'Key',
  'VersionId',
  'TaskStatus',
  'ErrorCode',
  'HTTPStatusCode',
  'ResultMessage',
] as const;
