import { MAX_BATCH_IMAGES } from '../../../shared/contract/batch.ts';
import { batchParametersSchema, detectParametersSchema } from '../../../shared/contract/parameters.ts';
import { sha256Schema } from '../../../shared/feature-key.ts';
import { MEDIA_TYPES, NDJSON } from '../../http/negotiation.ts';
import {
  BATCH_ANSWER_EXAMPLE,
  BATCH_PROBLEM_EXAMPLE,
  BATCH_SUMMARY_EXAMPLE,
  COMPLETE_EXAMPLE,
  DETECT_EXAMPLE,
  KEYPOINTS_EXAMPLE,
  SHA256,
} from '../examples.ts';
import {
  BINARY,
  type Causes,
  type Content,
  contentDigest,
  formContent,
  type Operation,
  type Parameter,
  problems,
  queryParameters,
  response,
} from '../operation.ts';
import { jsonSchemaOf, referenceTo } from '../schemas.ts';

const DETECT = '/api/v1/features/detect';
const BATCH = '/api/v1/features/batch';
const BY_HASH = '/api/v1/features/{sha256}';

const jsonAnswers: Content[string] = {
  schema: {
    anyOf: [referenceTo('DetectAnswer'), referenceTo('KeypointsAnswer'), referenceTo('CompleteAnswer')],
  },
  examples: {
    summary: { summary: 'include=summary', value: DETECT_EXAMPLE },
    keypoints: { summary: 'include=keypoints', value: KEYPOINTS_EXAMPLE },
    all: { summary: 'include=all', value: COMPLETE_EXAMPLE },
  },
};

/** Every media type that `Accept` can ask for. */
const featureContent: Content = Object.fromEntries(
  MEDIA_TYPES.map((type) => [type, type === 'application/json' ? jsonAnswers : fileOf(type)]),
);

function fileOf(mediaType: string): Content[string] {
  return { schema: mediaType.startsWith('text/') ? { type: 'string' } : BINARY };
}

const FEATURE_HEADERS = [
  'X-Cache',
  'ETag',
  'Vary',
  'Server-Timing',
  'Content-Disposition',
  'Content-Encoding',
] as const;

const FEATURE_CAUSES: Causes = {
  INVALID_PARAMETER: "Parameter 'sigma' must be a number from 0.5 to 10.",
};

const sha256Parameter: Parameter = {
  name: 'sha256',
  in: 'path',
  required: true,
  description: 'SHA-256 of the image file, in hexadecimal',
  schema: jsonSchemaOf(sha256Schema, 'input'),
  example: SHA256,
};

const ifNoneMatch: Parameter = {
  name: 'If-None-Match',
  in: 'header',
  required: false,
  description: 'Entity tags of what the client has already',
  schema: { type: 'string' },
};

export const detect: Operation = {
  method: 'post',
  path: DETECT,
  operationId: 'detect',
  tag: 'features',
  summary: 'SIFT features of an image',
  description:
    'From the cache where it has them, else computed. The file is JPEG, PNG, BMP, TIFF (first page) or WebP (first ' +
    'frame), at most 10 MiB and 50 million pixels unless the service is configured otherwise. In a form, the ' +
    'parameters may also be form fields, each given once in all.',
  parameters: [...queryParameters(detectParametersSchema), contentDigest],
  requestBody: {
    required: true,
    content: {
      ...formContent({
        image: { ...BINARY, description: 'The image file; the field may also be called `file`' },
      }),
      'image/*': { schema: BINARY },
    },
  },
  responses: {
    200: response('The features, in the format asked for', [...FEATURE_HEADERS], featureContent),
    ...problems(
      DETECT,
      {
        ...FEATURE_CAUSES,
        INVALID_IMAGE: 'The upload is not a JPEG, PNG, BMP, TIFF or WebP image.',
        IMAGE_TOO_LARGE: 'The image has more than 50000000 pixels.',
        UNSUPPORTED_MEDIA_TYPE:
          'Send the image as multipart/form-data in the field "image", or as the raw body with Content-Type: image/*.',
        IMAGE_READ_ERROR: 'The JPEG image is damaged or incomplete and cannot be decoded.',
        ORIGIN_UNAVAILABLE: 'The feature extractor cannot be reached at the moment.',
        OVERLOADED: 'Too many uploads are in progress.',
        SERVICE_TIMEOUT: 'The features were not ready in time.',
      },
      'post',
    ),
  },
};

export const batch: Operation = {
  method: 'post',
  path: BATCH,
  operationId: 'batch',
  tag: 'features',
  summary: 'SIFT features of many images, as they complete',
  description:
    `At most ${MAX_BATCH_IMAGES} images, together not larger than three of the largest size. The answer is NDJSON: a ` +
    'line for each image, in the order in which they complete, then a line with a summary; an answer without it broke ' +
    'off. A bad image fails alone. `include=keypoints` and `all` add to a line what they add to the answer of detect. ' +
    'Images with the same bytes are extracted once.',
  parameters: [...queryParameters(batchParametersSchema), contentDigest],
  requestBody: {
    required: true,
    content: formContent({
      images: { type: 'array', items: BINARY, minItems: 1, maxItems: MAX_BATCH_IMAGES },
    }),
  },
  responses: {
    200: response('One of these in each line', ['Vary', 'Server-Timing', 'Cache-Control'], {
      [NDJSON]: {
        schema: {
          anyOf: [
            referenceTo('BatchAnswerLine'),
            referenceTo('BatchKeypointsLine'),
            referenceTo('BatchCompleteLine'),
            referenceTo('BatchProblemLine'),
            referenceTo('BatchSummaryLine'),
          ],
        },
        examples: {
          answer: { summary: 'An image with its features', value: BATCH_ANSWER_EXAMPLE },
          problem: { summary: 'An image that failed', value: BATCH_PROBLEM_EXAMPLE },
          summary: { summary: 'The last line', value: BATCH_SUMMARY_EXAMPLE },
        },
      },
    }),
    ...problems(
      BATCH,
      {
        INVALID_PARAMETER: `A batch has at most ${MAX_BATCH_IMAGES} images.`,
        NOT_ACCEPTABLE: `The answer is ${NDJSON}, which Accept excludes.`,
        IMAGE_TOO_LARGE: 'The upload is larger than 31522816 bytes.',
        UNSUPPORTED_MEDIA_TYPE: 'Send multipart/form-data with one field "images" for each image.',
        OVERLOADED: 'Too many uploads are in progress.',
        SERVICE_TIMEOUT: 'The upload took longer than 30 s.',
      },
      'post',
    ),
  },
};

export const featuresByHash: Operation = {
  method: 'get',
  path: BY_HASH,
  operationId: 'featuresByHash',
  tag: 'features',
  summary: 'Features of an image that the cache has, without an upload',
  description: 'Hash the file, ask here, and upload it only on 404.',
  parameters: [sha256Parameter, ...queryParameters(detectParametersSchema), ifNoneMatch],
  responses: {
    200: response(
      'The features, in the format asked for',
      [...FEATURE_HEADERS, 'Cache-Control'],
      featureContent,
    ),
    304: response('The client has it already', ['ETag', 'Vary']),
    ...problems(BY_HASH.replace('{sha256}', SHA256), {
      ...FEATURE_CAUSES,
      FEATURES_NOT_CACHED: 'These features are not cached: upload the image once.',
    }),
  },
};

/** The same head without the body. */
export const featuresByHashHead: Operation = {
  ...featuresByHash,
  method: 'head',
  operationId: 'hasFeaturesByHash',
  summary: 'Whether the cache has the features of an image',
  responses: Object.fromEntries(
    Object.entries(featuresByHash.responses).map(([status, { content: _, ...head }]) => [status, head]),
  ),
};
