import * as z from 'zod';
import {
  INFERENCE_MODEL,
  INFERENCE_PATH,
  inferBodySchema,
  inferenceErrorSchema,
  inferenceLiveSchema,
  inferenceModelReadySchema,
  inferenceModelSchema,
  inferenceReadySchema,
  inferenceServerSchema,
  inferResponseSchema,
} from '../inference.ts';
import { bytesSchema, defineRoute } from '../route.ts';

const MODEL_PATH = `${INFERENCE_PATH}/models/${INFERENCE_MODEL}` as const;
const VERSION_PATH = `${MODEL_PATH}/versions/{version}` as const;
const VERSION = {
  version: {
    schema: z.string().min(1),
    description: 'Version of the model; another than the one that is served is NOT_FOUND',
    example: '1',
  },
} as const;

const COMMON = { tag: 'inference', errorBody: inferenceErrorSchema } as const;
const UNREACHABLE = 'The vehicle classifier cannot be reached at the moment.';
const NO_VERSION = 'The model has no version 0.';

export const inferenceServer = defineRoute({
  ...COMMON,
  method: 'GET',
  path: INFERENCE_PATH,
  operationId: 'inferenceServer',
  summary: 'Name, version and extensions of the server',
  responses: { 200: { description: 'The server', content: { 'application/json': inferenceServerSchema } } },
  errors: {},
});

export const inferenceLive = defineRoute({
  ...COMMON,
  method: 'GET',
  path: `${INFERENCE_PATH}/health/live`,
  operationId: 'inferenceLive',
  summary: 'Whether the edge responds at all',
  responses: { 200: { description: 'It does', content: { 'application/json': inferenceLiveSchema } } },
  errors: {},
});

export const inferenceReady = defineRoute({
  ...COMMON,
  method: 'GET',
  path: `${INFERENCE_PATH}/health/ready`,
  operationId: 'inferenceReady',
  summary: 'Whether vehicles are classified',
  responses: { 200: { description: 'They are', content: { 'application/json': inferenceReadySchema } } },
  errors: { ORIGIN_UNAVAILABLE: UNREACHABLE },
});

const MODEL = {
  ...COMMON,
  method: 'GET',
  scope: 'read',
  summary: 'Inputs and outputs of the model',
  responses: {
    200: {
      description: 'The model',
      headers: ['Cache-Control'],
      content: { 'application/json': inferenceModelSchema },
    },
  },
} as const;

export const inferenceModel = defineRoute({
  ...MODEL,
  path: MODEL_PATH,
  operationId: 'inferenceModel',
  errors: { ORIGIN_UNAVAILABLE: UNREACHABLE },
});

export const inferenceVersion = defineRoute({
  ...MODEL,
  path: VERSION_PATH,
  operationId: 'inferenceVersion',
  pathParameters: VERSION,
  errors: { NOT_FOUND: NO_VERSION, ORIGIN_UNAVAILABLE: UNREACHABLE },
});

const MODEL_READY = {
  ...COMMON,
  method: 'GET',
  scope: 'read',
  summary: 'Whether the model is served',
  responses: { 200: { description: 'It is', content: { 'application/json': inferenceModelReadySchema } } },
} as const;

export const inferenceModelReady = defineRoute({
  ...MODEL_READY,
  path: `${MODEL_PATH}/ready`,
  operationId: 'inferenceModelReady',
  errors: { ORIGIN_UNAVAILABLE: UNREACHABLE },
});

export const inferenceVersionReady = defineRoute({
  ...MODEL_READY,
  path: `${VERSION_PATH}/ready`,
  operationId: 'inferenceVersionReady',
  pathParameters: VERSION,
  errors: { NOT_FOUND: NO_VERSION, ORIGIN_UNAVAILABLE: UNREACHABLE },
});

const INFER = {
  ...COMMON,
  method: 'POST',
  scope: 'write',
  summary: 'The vehicles in images, by the Open Inference Protocol V2',
  description:
    'The input `image` is a BYTES tensor of image files: base64 in JSON, or, with `Inference-Header-Content-Length`, ' +
    'bytes after the JSON (binary tensor data extension). The whole request has at most 1.5 times the size of the largest ' +
    'image. One bad image fails the request. The output `result` is what `POST /api/vehicle/classify` responds with.',
  requestHeaders: ['Content-Digest', 'Inference-Header-Content-Length'],
  body: { 'application/json': inferBodySchema, 'application/octet-stream': bytesSchema },
  responses: {
    200: {
      description: 'The outputs',
      headers: ['X-Cache', 'Server-Timing', 'Inference-Header-Content-Length'],
      content: { 'application/json': inferResponseSchema, 'application/octet-stream': bytesSchema },
    },
  },
} as const;

const INFER_ERRORS = {
  INVALID_PARAMETER: 'Field \'inputs.0.datatype\' must be "BYTES".',
  INVALID_IMAGE: 'The content is not a JPEG, PNG, BMP, TIFF, WebP or GIF image.',
  IMAGE_TOO_LARGE: 'The upload is larger than 15794176 bytes.',
  IMAGE_READ_ERROR: 'The JPEG image is damaged or incomplete and cannot be decoded.',
  ORIGIN_UNAVAILABLE: 'The feature extractor cannot be reached at the moment.',
  OVERLOADED: 'Too many uploads are in progress.',
  SERVICE_TIMEOUT: 'The result was not ready in time.',
} as const;

export const infer = defineRoute({
  ...INFER,
  path: `${MODEL_PATH}/infer`,
  operationId: 'infer',
  errors: INFER_ERRORS,
});

export const inferVersion = defineRoute({
  ...INFER,
  path: `${VERSION_PATH}/infer`,
  operationId: 'inferVersion',
  pathParameters: VERSION,
  errors: { ...INFER_ERRORS, NOT_FOUND: NO_VERSION },
});
