import * as z from 'zod';
import { matchParametersSchema } from '../parameters.ts';
import { matchResponseSchema } from '../responses.ts';
import { defineRoute } from '../route.ts';

/** A file, or the hash of one. */
const sideSchema = z
  .custom<Blob | string>()
  .describe('An image file, or as text the SHA-256 of an image whose features are cached');

export const match = defineRoute({
  method: 'POST',
  path: '/api/v1/match',
  operationId: 'match',
  tag: 'matching',
  scope: 'write',
  summary: 'Matches of two images, and the homography or fundamental matrix that they agree on',
  description:
    'Finds mutual nearest neighbours that pass the ratio test in both directions, then a model by MAGSAC++. Equal requests ' +
    'get equal numbers. Parameters may also be form fields. SIFT parameters apply to both images.',
  query: matchParametersSchema,
  requestHeaders: ['Content-Digest'],
  body: { 'multipart/form-data': z.object({ image1: sideSchema, image2: sideSchema }) },
  responses: {
    200: {
      description: 'The matches; without a model, `reason` says why',
      headers: ['X-Cache', 'Server-Timing'],
      content: { 'application/json': matchResponseSchema },
    },
  },
  errors: {
    INVALID_PARAMETER: "Parameter 'ratio' must be a number from 0.1 to 1.",
    INVALID_IMAGE: 'The upload is not a JPEG, PNG, BMP, TIFF or WebP image.',
    FEATURES_NOT_CACHED: 'The features of this image are not cached. Send the image instead of its hash.',
    IMAGE_TOO_LARGE:
      'An image with more than 40000 keypoints cannot be matched. Set nfeatures to keep the strongest ones.',
    UNSUPPORTED_MEDIA_TYPE:
      'Send multipart/form-data with the fields "image1" and "image2": each is an image file or a SHA-256.',
    IMAGE_READ_ERROR: 'The JPEG image is damaged or incomplete and cannot be decoded.',
    ORIGIN_UNAVAILABLE: 'The feature extractor cannot be reached at the moment.',
    OVERLOADED: 'Too many uploads are in progress.',
    SERVICE_TIMEOUT: 'The features were not ready in time.',
  },
});
