import * as z from 'zod';
import { sha256Parameter } from '../feature-content.ts';
import { NDJSON } from '../media-types.ts';
import { defineRoute, uploadSchema } from '../route.ts';
import {
  batchClassifyLastLineSchema,
  batchClassifyParametersSchema,
  batchClassifyResponseSchema,
  batchClassifyResultSchema,
  classifyParametersSchema,
  classifyResponseSchema,
  MAX_BATCH_IMAGES,
  modelsResponseSchema,
} from '../vehicles.ts';

export const classifyVehicle = defineRoute({
  method: 'POST',
  path: '/api/vehicle/classify',
  operationId: 'classifyVehicle',
  tag: 'vehicles',
  scope: 'write',
  summary: 'Make, model, type, colour, decade and country of the vehicle in an image',
  description:
    'The result comes from the cache if it has it; otherwise it is computed. Probabilities are calibrated. If the image ' +
    'shows no vehicle, `is_vehicle` is false and every attribute `unknown`. An attribute without a model is absent.',
  query: classifyParametersSchema,
  requestHeaders: ['Content-Digest'],
  body: {
    'multipart/form-data': z.object({
      file: uploadSchema.describe('The image file; the field may also be called `image`'),
    }),
    'image/*': uploadSchema,
  },
  responses: {
    200: {
      description: 'The classification',
      headers: ['X-Cache', 'ETag', 'Server-Timing'],
      content: { 'application/json': classifyResponseSchema },
    },
  },
  errors: {
    INVALID_PARAMETER: "Parameter 'box' must be x,y,width,height in whole pixels, as 10,20,300,200.",
    INVALID_IMAGE: 'The content is not a JPEG, PNG, BMP, TIFF, WebP or GIF image.',
    IMAGE_TOO_LARGE: 'The image has more than 50000000 pixels.',
    UNSUPPORTED_MEDIA_TYPE:
      'Send the image as multipart/form-data in the field "file", or as the raw body with Content-Type: image/*.',
    IMAGE_READ_ERROR: 'The JPEG image is damaged or incomplete and cannot be decoded.',
    ORIGIN_UNAVAILABLE: 'The feature extractor cannot be reached at the moment.',
    OVERLOADED: 'Too many uploads are in progress.',
    SERVICE_TIMEOUT: 'The result was not ready in time.',
  },
});

export const classifyVehicles = defineRoute({
  method: 'POST',
  path: '/api/vehicle/classify-batch',
  operationId: 'classifyVehicles',
  tag: 'vehicles',
  scope: 'write',
  summary: 'The vehicles in many images',
  description:
    `At most ${MAX_BATCH_IMAGES} images, together not larger than three of the largest size. One JSON document in the ` +
    'order of the form; with `Accept: application/x-ndjson` a line for each image as it completes, then a line with ' +
    'the summary. A bad image fails alone.',
  query: batchClassifyParametersSchema,
  requestHeaders: ['Content-Digest'],
  body: { 'multipart/form-data': z.object({ files: z.array(uploadSchema).min(1).max(MAX_BATCH_IMAGES) }) },
  responses: {
    200: {
      description: 'The classifications',
      headers: ['Vary', 'Server-Timing', 'Cache-Control'],
      content: {
        'application/json': batchClassifyResponseSchema,
        [NDJSON]: z.union([batchClassifyResultSchema, batchClassifyLastLineSchema]),
      },
    },
  },
  errors: {
    INVALID_PARAMETER: `The form has more than ${MAX_BATCH_IMAGES} images.`,
    IMAGE_TOO_LARGE: 'The upload is larger than 31522816 bytes.',
    UNSUPPORTED_MEDIA_TYPE: 'Send multipart/form-data with one field "files" for each image.',
    OVERLOADED: 'Too many uploads are in progress.',
    SERVICE_TIMEOUT: 'The upload took longer than 30 s.',
  },
});

export const vehicleByHash = defineRoute({
  method: 'GET',
  path: '/api/vehicle/{sha256}',
  operationId: 'vehicleByHash',
  tag: 'vehicles',
  scope: 'read',
  summary: 'Classification of an image that the cache has, without an upload',
  description: 'Hash the file, send this request, and upload the file only on 404.',
  head: { operationId: 'hasVehicleByHash', summary: 'Whether the cache has the classification of an image' },
  pathParameters: { sha256: sha256Parameter },
  query: classifyParametersSchema,
  requestHeaders: ['If-None-Match'],
  responses: {
    200: {
      description: 'The classification',
      headers: ['X-Cache', 'ETag', 'Server-Timing', 'Cache-Control'],
      content: { 'application/json': classifyResponseSchema },
    },
    304: { description: 'The client already has it', headers: ['ETag'] },
  },
  errors: {
    INVALID_PARAMETER: 'The path must end in the SHA-256 of an image: 64 hexadecimal digits.',
    NOT_FOUND: 'The classification of this image is not cached. Upload the image.',
  },
});

export const vehicleModels = defineRoute({
  method: 'GET',
  path: '/api/models/metadata',
  operationId: 'vehicleModels',
  tag: 'vehicles',
  scope: 'read',
  summary: 'The vehicle models that serve: labels, data, measured figures, card',
  responses: {
    200: {
      description: 'The models; without any, `reason` says why',
      headers: ['Cache-Control'],
      content: { 'application/json': modelsResponseSchema },
    },
  },
  errors: { ORIGIN_UNAVAILABLE: 'The vehicle classifier cannot be reached at the moment.' },
});
