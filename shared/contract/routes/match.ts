import * as z from 'zod';
import { matchAnswerSchema } from '../answers.ts';
import { matchParametersSchema } from '../parameters.ts';
import { defineRoute } from '../route.ts';

/** A file, or the hash of one. */
const sideSchema = z
  .custom<Blob | string>()
  .describe('An image file, or as text the SHA-256 of one whose features are cached');

export const match = defineRoute({
  method: 'POST',
  path: '/api/v1/match',
  operationId: 'match',
  tag: 'matching',
  scope: 'write',
  summary: 'Matches of two images, and the homography or fundamental matrix that they agree on',
  description:
    'Mutual nearest neighbours that pass the ratio test in both directions, then MAGSAC++. Equal requests get ' +
    'equal numbers. Parameters may also be form fields, each given once in all; those of SIFT hold for both images.',
  query: matchParametersSchema,
  requestHeaders: ['Content-Digest'],
  body: { 'multipart/form-data': z.object({ image1: sideSchema, image2: sideSchema }) },
  responses: {
    200: {
      description: 'The matches; without a model, `reason` says why',
      headers: ['X-Cache', 'Server-Timing'],
      content: { 'application/json': matchAnswerSchema },
    },
  },
  errors: {
    INVALID_PARAMETER: "Parameter 'ratio' must be a number from 0.1 to 1.",
    INVALID_IMAGE: 'The upload is not a JPEG, PNG, BMP, TIFF or WebP image.',
    FEATURES_NOT_CACHED: 'These features are not cached: send the image instead of its hash.',
    IMAGE_TOO_LARGE: 'Images of more than 40000 keypoints are not matched: use the strongest by nfeatures.',
    UNSUPPORTED_MEDIA_TYPE:
      'Send multipart/form-data with the fields "image1" and "image2", a file or a SHA-256 each.',
    IMAGE_READ_ERROR: 'The JPEG image is damaged or incomplete and cannot be decoded.',
    ORIGIN_UNAVAILABLE: 'The feature extractor cannot be reached at the moment.',
    OVERLOADED: 'Too many uploads are in progress.',
    SERVICE_TIMEOUT: 'The features were not ready in time.',
  },
});
