import * as z from 'zod';
import { MAX_BATCH_IMAGES } from './batch.ts';

/** Version 2 of the Open Inference Protocol lies under this path, with errors of its own shape. */
export const INFERENCE_PATH = '/v2';
/** The one model, by its name in the protocol. */
export const INFERENCE_MODEL = 'vehicle';
/** The one input: image files. */
export const INFERENCE_INPUT = 'image';
/** The extension by which tensors follow the JSON document as bytes. */
export const BINARY_EXTENSION = 'binary_tensor_data';

export function isInferencePath(path: string): boolean {
  return path === INFERENCE_PATH || path.startsWith(`${INFERENCE_PATH}/`);
}

/** Body of every error under {@link INFERENCE_PATH}. */
export const inferenceErrorSchema = z.object({ error: z.string() });
export type InferenceError = z.infer<typeof inferenceErrorSchema>;

export const inferenceServerSchema = z.object({
  name: z.string(),
  version: z.string(),
  extensions: z.array(z.string()),
});
export const inferenceLiveSchema = z.object({ live: z.literal(true) });
export const inferenceReadySchema = z.object({ ready: z.literal(true) });
export const inferenceModelReadySchema = z.object({ name: z.string(), ready: z.literal(true) });

const datatypeSchema = z.enum(['BYTES', 'FP32', 'BOOL']);
export type InferenceDatatype = z.infer<typeof datatypeSchema>;

const tensorMetadataSchema = z.object({
  name: z.string(),
  datatype: datatypeSchema,
  shape: z.array(z.int()).describe('-1 is the number of images'),
});
export type InferenceTensor = z.infer<typeof tensorMetadataSchema>;

export const inferenceModelSchema = z.object({
  name: z.string(),
  versions: z.array(z.string()),
  platform: z.string(),
  inputs: z.array(tensorMetadataSchema),
  outputs: z.array(tensorMetadataSchema),
});
export type InferenceModel = z.infer<typeof inferenceModelSchema>;

const textSchema = z.string({ error: 'must be a string' });
const flagSchema = z.boolean({ error: 'must be true or false' });
const isObject = { error: 'must be an object' };

const shapeError = { error: `must be [images] or [images, 1], with 1 to ${MAX_BATCH_IMAGES} images` };
const shapeSchema = z
  .array(z.int(shapeError).positive(shapeError).max(MAX_BATCH_IMAGES, shapeError), shapeError)
  .min(1, shapeError)
  .max(2, shapeError)
  .describe('[images] or [images, 1]');

const sizeError = { error: 'must be a positive integer' };
const dataSchema = z
  .union([z.array(z.string()), z.array(z.array(z.string()))], {
    error: 'must be an array of image files as base64',
  })
  .describe('Each image file as base64');
const outputsError = { error: 'must be an array of at least one output' };

/** JSON of an inference request. What the protocol allows beside it is passed over. */
export const inferBodySchema = z.object({
  id: textSchema.optional().describe('Repeated in the response'),
  parameters: z
    .object(
      {
        binary_data_output: flagSchema.optional().describe('Whether all outputs follow the JSON as bytes'),
        include: textSchema
          .optional()
          .describe('As of `POST /api/vehicle/classify`, for the output `result`'),
        box: textSchema.optional().describe('As of `POST /api/vehicle/classify`, for one image'),
      },
      isObject,
    )
    .optional()
    .describe('`binary_data_output`, `include`, `box`'),
  inputs: z
    .array(
      z.object(
        {
          name: z.literal(INFERENCE_INPUT, { error: `must be "${INFERENCE_INPUT}"` }),
          datatype: z.literal('BYTES', { error: 'must be "BYTES"' }),
          shape: shapeSchema,
          parameters: z
            .object(
              {
                binary_data_size: z
                  .int(sizeError)
                  .positive(sizeError)
                  .optional()
                  .describe('Bytes of the tensor after the JSON, instead of `data`'),
              },
              isObject,
            )
            .optional(),
          data: dataSchema.optional(),
        },
        isObject,
      ),
      { error: 'must be an array of one tensor' },
    )
    .length(1, { error: 'must be an array of one tensor' })
    .describe('The BYTES tensor `image`'),
  outputs: z
    .array(
      z.object(
        {
          name: textSchema,
          parameters: z.object({ binary_data: flagSchema.optional() }, isObject).optional(),
        },
        isObject,
      ),
      outputsError,
    )
    .min(1, outputsError)
    .optional()
    .describe('The outputs to respond with; all if it is absent'),
});
export type InferBody = z.infer<typeof inferBodySchema>;

export const inferResponseSchema = z.object({
  model_name: z.string(),
  model_version: z.string(),
  id: z.string().optional(),
  outputs: z.array(
    z.object({
      ...tensorMetadataSchema.shape,
      parameters: z.object({ binary_data_size: z.int() }).optional(),
      data: z.array(z.union([z.string(), z.number(), z.boolean()])).optional(),
    }),
  ),
});
export type InferResponse = z.infer<typeof inferResponseSchema>;
