import {
  EXISTS_HASHES_PER_UNIT,
  existsBodySchema,
  existsResponseSchema,
  MAX_EXISTS_HASHES,
} from '../exists.ts';
import { extractionParametersSchema } from '../parameters.ts';
import { defineRoute } from '../route.ts';

export const exists = defineRoute({
  method: 'POST',
  path: '/api/v1/features/exists',
  operationId: 'exists',
  tag: 'features',
  scope: 'read',
  summary: 'Which of many images have cached features',
  description:
    `At most ${MAX_EXISTS_HASHES} hashes, and one set of parameters for all of them. Costs one unit of the rate limit for ` +
    `every ${EXISTS_HASHES_PER_UNIT} hashes. A cached result can expire before it is requested.`,
  query: extractionParametersSchema,
  requestHeaders: ['Content-Digest'],
  body: { 'application/json': existsBodySchema },
  responses: {
    200: {
      description: 'The hashes whose features are cached',
      headers: ['Server-Timing', 'Cache-Control'],
      content: { 'application/json': existsResponseSchema },
    },
  },
  errors: {
    INVALID_PARAMETER: `Field 'sha256' must be 1 to ${MAX_EXISTS_HASHES} hashes.`,
    UNSUPPORTED_MEDIA_TYPE: 'Send a JSON document with Content-Type: application/json.',
    SERVICE_NOT_READY: 'The cache cannot be reached at the moment.',
    SERVICE_TIMEOUT: 'The upload took longer than 30 s.',
  },
});
