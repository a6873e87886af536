import * as z from 'zod';
import { FEATURE_CONTENT, FEATURE_HEADERS } from '../feature-content.ts';
import { detectParametersSchema } from '../parameters.ts';
import { defineRoute, uploadSchema } from '../route.ts';

export const detect = defineRoute({
  method: 'POST',
  path: '/api/v1/features/detect',
  operationId: 'detect',
  tag: 'features',
  scope: 'write',
  summary: 'SIFT features of an image',
  description:
    'The result comes from the cache if it has it; otherwise it is computed. The file is JPEG, PNG, BMP, TIFF (first page) ' +
    'or WebP (first frame). Unless the service is configured otherwise, it has at most 10 MiB and 50 million pixels. ' +
    'In a form, parameters may also be form fields. Each parameter may be given once.',
  query: detectParametersSchema,
  requestHeaders: ['Content-Digest'],
  body: {
    'multipart/form-data': z.object({
      image: uploadSchema.describe('The image file; the field may also be called `file`'),
    }),
    'image/*': uploadSchema,
  },
  responses: {
    200: {
      description: 'The features, in the requested format',
      headers: FEATURE_HEADERS,
      content: FEATURE_CONTENT,
    },
  },
  errors: {
    INVALID_PARAMETER: "Parameter 'sigma' must be a number from 0.5 to 10.",
    INVALID_IMAGE: 'The upload is not a JPEG, PNG, BMP, TIFF or WebP image.',
    IMAGE_TOO_LARGE: 'The image has more than 50000000 pixels.',
    UNSUPPORTED_MEDIA_TYPE:
      'Send the image as multipart/form-data in the field "image", or as the raw body with Content-Type: image/*.',
    IMAGE_READ_ERROR: 'The JPEG image is damaged or incomplete and cannot be decoded.',
    ORIGIN_UNAVAILABLE: 'The feature extractor cannot be reached at the moment.',
    OVERLOADED: 'Too many uploads are in progress.',
    SERVICE_TIMEOUT: 'The features were not ready in time.',
  },
});
