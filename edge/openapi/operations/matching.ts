import { matchParametersSchema } from '../../../shared/contract/parameters.ts';
import { MATCH_EXAMPLE, UNMATCHED_EXAMPLE } from '../examples.ts';
import {
  BINARY,
  contentDigest,
  formContent,
  type Operation,
  problems,
  queryParameters,
  response,
} from '../operation.ts';
import { referenceTo } from '../schemas.ts';

const MATCH = '/api/v1/match';

const side = {
  ...BINARY,
  description: 'An image file, or as text the SHA-256 of one whose features are cached',
};

export const match: Operation = {
  method: 'post',
  path: MATCH,
  operationId: 'match',
  tag: 'matching',
  summary: 'Matches of two images, and the homography or fundamental matrix that they agree on',
  description:
    'Mutual nearest neighbours that pass the ratio test in both directions, then MAGSAC++. Equal requests get ' +
    'equal numbers. Parameters may also be form fields, each given once in all; those of SIFT hold for both images.',
  parameters: [...queryParameters(matchParametersSchema), contentDigest],
  requestBody: {
    required: true,
    content: formContent({ image1: side, image2: side }),
  },
  responses: {
    200: response('The matches; without a model, `reason` says why', ['X-Cache', 'Server-Timing'], {
      'application/json': {
        schema: referenceTo('MatchAnswer'),
        examples: {
          homography: { summary: 'The images match', value: MATCH_EXAMPLE },
          none: { summary: 'They do not', value: UNMATCHED_EXAMPLE },
        },
      },
    }),
    ...problems(
      MATCH,
      {
        INVALID_PARAMETER: "Parameter 'ratio' must be a number from 0.1 to 1.",
        INVALID_IMAGE: 'The upload is not a JPEG, PNG, BMP, TIFF or WebP image.',
        FEATURES_NOT_CACHED: 'These features are not cached: send the image instead of its hash.',
        IMAGE_TOO_LARGE:
          'Images of more than 40000 keypoints are not matched: use the strongest by nfeatures.',
        UNSUPPORTED_MEDIA_TYPE:
          'Send multipart/form-data with the fields "image1" and "image2", a file or a SHA-256 each.',
        IMAGE_READ_ERROR: 'The JPEG image is damaged or incomplete and cannot be decoded.',
        ORIGIN_UNAVAILABLE: 'The feature extractor cannot be reached at the moment.',
        OVERLOADED: 'Too many uploads are in progress.',
        SERVICE_TIMEOUT: 'The features were not ready in time.',
      },
      'post',
    ),
  },
};
