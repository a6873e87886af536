import * as z from 'zod';
import {
  batchCompleteLineSchema,
  batchKeypointsLineSchema,
  batchProblemLineSchema,
  batchResponseLineSchema,
  batchSummaryLineSchema,
  MAX_BATCH_IMAGES,
} from '../batch.ts';
import { NDJSON } from '../media-types.ts';
import { batchParametersSchema } from '../parameters.ts';
import { defineRoute, uploadSchema } from '../route.ts';

export const batch = defineRoute({
  method: 'POST',
  path: '/api/v1/features/batch',
  operationId: 'batch',
  tag: 'features',
  scope: 'write',
  summary: 'SIFT features of many images, as they complete',
  description:
    `A batch has at most ${MAX_BATCH_IMAGES} images, together at most three times the size limit of one image. The ` +
    'response is NDJSON: one line for each image, in the order in which the images complete, then one line with a ' +
    'summary. A response without the summary is incomplete. A bad image fails alone. `include` adds to each line what ' +
    'it adds to the response of detect. Images with the same bytes are extracted once.',
  query: batchParametersSchema,
  requestHeaders: ['Content-Digest'],
  body: {
    'multipart/form-data': z.object({ images: z.array(uploadSchema).min(1).max(MAX_BATCH_IMAGES) }),
  },
  responses: {
    200: {
      description: 'One of these in each line',
      headers: ['Vary', 'Server-Timing', 'Cache-Control'],
      content: {
        [NDJSON]: z.union([
          batchResponseLineSchema,
          batchKeypointsLineSchema,
          batchCompleteLineSchema,
          batchProblemLineSchema,
          batchSummaryLineSchema,
        ]),
      },
    },
  },
  errors: {
    INVALID_PARAMETER: `A batch has at most ${MAX_BATCH_IMAGES} images.`,
    NOT_ACCEPTABLE: `The response is ${NDJSON}, but the Accept header excludes it.`,
    IMAGE_TOO_LARGE: 'The upload is larger than 31522816 bytes.',
    UNSUPPORTED_MEDIA_TYPE: 'Send multipart/form-data with one field "images" for each image.',
    OVERLOADED: 'Too many uploads are in progress.',
    SERVICE_TIMEOUT: 'The upload took longer than 30 s.',
  },
});
