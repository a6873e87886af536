import * as z from 'zod';
import { jobListQuerySchema, jobListResponseSchema, jobRequestSchema, jobResponseSchema } from '../jobs.ts';
import { EVENT_STREAM } from '../media-types.ts';
import { defineRoute } from '../route.ts';

const ERRORS = {
  NOT_FOUND: 'Bulk jobs are not configured on this service.',
  ORIGIN_UNAVAILABLE: 'The job service cannot be reached at the moment.',
} as const;

const JOB = {
  tag: 'jobs',
  pathParameters: {
    id: { schema: z.string(), description: 'Id of the job', example: 'job-0mihqw2n4-5f0c1ab2' },
  },
} as const;

export const createJob = defineRoute({
  method: 'POST',
  path: '/api/v1/jobs',
  operationId: 'createJob',
  tag: 'jobs',
  scope: 'write',
  summary: 'Extract the features of many images in a folder or bucket',
  description:
    'A prefix, a manifest or the request itself lists the images. Each image gives one safetensors file in the output ' +
    'and one row in a report. An image whose result exists already is not extracted again.',
  body: { 'application/json': jobRequestSchema },
  responses: {
    202: {
      description: 'The job, which runs in the background',
      content: { 'application/json': jobResponseSchema },
    },
  },
  errors: {
    ...ERRORS,
    INVALID_PARAMETER: "'output' must be s3://bucket/key or an absolute path.",
    IMAGE_TOO_LARGE: 'The upload is larger than 2097152 bytes.',
    UNSUPPORTED_MEDIA_TYPE: 'Send the job as JSON with Content-Type: application/json.',
    OVERLOADED: 'Too many uploads are in progress.',
    SERVICE_TIMEOUT: 'The upload took longer than 30 s.',
  },
});

export const listJobs = defineRoute({
  method: 'GET',
  path: '/api/v1/jobs',
  operationId: 'listJobs',
  tag: 'jobs',
  scope: 'read',
  summary: 'Jobs, newest first',
  query: jobListQuerySchema,
  responses: { 200: { description: 'A page', content: { 'application/json': jobListResponseSchema } } },
  errors: { ...ERRORS, INVALID_PARAMETER: "Parameter 'limit' must be a whole number from 1 to 100." },
});

export const getJob = defineRoute({
  ...JOB,
  method: 'GET',
  path: '/api/v1/jobs/{id}',
  operationId: 'getJob',
  scope: 'read',
  summary: 'A job: state, counts, rate and time left',
  responses: { 200: { description: 'The job', content: { 'application/json': jobResponseSchema } } },
  errors: ERRORS,
});

export const jobEvents = defineRoute({
  ...JOB,
  method: 'GET',
  path: '/api/v1/jobs/{id}/events',
  operationId: 'jobEvents',
  scope: 'read',
  summary: 'Progress of a job, as server-sent events',
  description:
    'Each event is called `job` and holds the job in JSON. The stream ends when the job has ended.',
  responses: { 200: { description: 'Events', content: { [EVENT_STREAM]: z.string() } } },
  errors: ERRORS,
});

export const cancelJob = defineRoute({
  ...JOB,
  method: 'POST',
  path: '/api/v1/jobs/{id}/cancel',
  operationId: 'cancelJob',
  scope: 'write',
  summary: 'Cancel a job; existing results stay',
  responses: { 200: { description: 'The job', content: { 'application/json': jobResponseSchema } } },
  errors: ERRORS,
});

export const retryFailedImages = defineRoute({
  ...JOB,
  method: 'POST',
  path: '/api/v1/jobs/{id}/retry-failed',
  operationId: 'retryFailedImages',
  scope: 'write',
  summary: 'Start a new job with the failed images of an ended job',
  responses: { 202: { description: 'The new job', content: { 'application/json': jobResponseSchema } } },
  errors: { ...ERRORS, INVALID_PARAMETER: 'No image of the job has failed.' },
});
