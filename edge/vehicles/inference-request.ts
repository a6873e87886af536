import { MAX_BATCH_IMAGES } from '../../shared/contract/batch.ts';
import { ServiceError } from '../../shared/contract/errors.ts';
import { INFERENCE_INPUT, type InferBody, inferBodySchema } from '../../shared/contract/inference.ts';
import { type ClassifyParameters, parseClassifyParameters } from '../../shared/contract/vehicles.ts';
import { parseJson } from '../../shared/features/safetensors.ts';
import { invalidField } from '../http/json-body.ts';

/** An inference request taken apart. */
export interface InferenceRequest {
  id: string | undefined;
  /** Image files; nothing in them is checked yet. */
  images: Uint8Array<ArrayBuffer>[];
  parameters: ClassifyParameters;
  /** By the name of the output whether it is to be bytes; undefined for all outputs. */
  outputs: Map<string, boolean> | undefined;
  /** Whether outputs that say nothing of it are to be bytes. */
  isBinary: boolean;
}

/** A document of image files has few values. Parsed, a million of them take many times the size of their text. */
const MOST_VALUES = 4_096;
/** Each value of a JSON document follows one of these: a comma, or an opening bracket or brace. */
const VALUE_MARKS = [0x2c, 0x5b, 0x7b];

/** Length prefix of an element of a BYTES tensor that follows the JSON. */
const LENGTH_BYTES = 4;

/**
 * Takes the body of an inference request apart.
 *
 * @param headerLength `Inference-Header-Content-Length`: bytes of the JSON that tensors follow as bytes; undefined where
 *   the whole body is JSON
 * @throws ServiceError `INVALID_PARAMETER`
 */
export function parseInferenceRequest(
  body: Uint8Array<ArrayBuffer>,
  headerLength: string | undefined,
): InferenceRequest {
  const jsonLength = headerLength === undefined ? body.length : lengthFrom(headerLength, body.length);
  const json = body.subarray(0, jsonLength);
  checkValueCount(json);
  const parsed = inferBodySchema.safeParse(parseJson(new TextDecoder().decode(json)));
  if (!parsed.success) throw invalidField(parsed.error);
  const { id, inputs, outputs, parameters } = parsed.data;
  const images = inputs.flatMap((input) => imagesOf(input, body.subarray(jsonLength)));
  const named = Object.entries(parameters ?? {}).filter(([name]) => name === 'include' || name === 'box');
  const classify = parseClassifyParameters(named.map(([name, value]) => [name, String(value)]));
  if (classify.options.box && images.length > 1) {
    throw invalid("Parameter 'box' is for one image, and the request has more.", 'box');
  }
  return {
    id,
    images,
    parameters: classify,
    outputs:
      outputs && new Map(outputs.map(({ name, parameters }) => [name, parameters?.binary_data ?? false])),
    isBinary: parameters?.binary_data_output ?? false,
  };
}

function checkValueCount(json: Uint8Array): void {
  let count = 0;
  for (const mark of VALUE_MARKS) {
    for (let at = json.indexOf(mark); at >= 0; at = json.indexOf(mark, at + 1)) {
      count += 1;
      if (count > MOST_VALUES) throw invalid('The document has too many values.', INFERENCE_INPUT);
    }
  }
}

function lengthFrom(text: string, most: number): number {
  const length = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (length >= 1 && length <= most) return length;
  const name = 'Inference-Header-Content-Length';
  throw invalid(`${name} must be the length of the JSON at the beginning of the body.`, name);
}

function imagesOf(
  { shape, data, parameters }: InferBody['inputs'][number],
  rest: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer>[] {
  const count = shape.reduce((product, extent) => product * extent, 1);
  if (count > MAX_BATCH_IMAGES) {
    throw invalid(`The request has more than ${MAX_BATCH_IMAGES} images.`, INFERENCE_INPUT);
  }
  const size = parameters?.binary_data_size;
  if (size === undefined && data === undefined) {
    throw invalid("The input has neither 'data' nor 'binary_data_size'.", INFERENCE_INPUT);
  }
  const images = size === undefined ? (data ?? []).flat().map(decoded) : elementsOf(rest, size);
  if (images.length === count) return images;
  throw invalid(`The shape says ${count} images, and the data has ${images.length}.`, INFERENCE_INPUT);
}

function decoded(text: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.fromBase64(text);
  } catch (cause) {
    throw new ServiceError('INVALID_PARAMETER', 'The data must be image files as base64.', {
      details: { parameter: INFERENCE_INPUT },
      cause,
    });
  }
}

/** Elements of a BYTES tensor: each its length as a 32-bit little-endian integer, then its bytes. No copies. */
function elementsOf(rest: Uint8Array<ArrayBuffer>, size: number): Uint8Array<ArrayBuffer>[] {
  const view = new DataView(rest.buffer, rest.byteOffset, rest.length);
  const elements: Uint8Array<ArrayBuffer>[] = [];
  let at = 0;
  while (size === rest.length && at + LENGTH_BYTES <= size && elements.length <= MAX_BATCH_IMAGES) {
    const begin = at + LENGTH_BYTES;
    const end = begin + view.getUint32(at, true);
    if (end > size) break;
    elements.push(rest.subarray(begin, end));
    at = end;
  }
  if (at === size && size === rest.length) return elements;
  throw invalid('The bytes after the JSON are not the tensor that it describes.', INFERENCE_INPUT);
}

function invalid(message: string, parameter: string): ServiceError {
  return new ServiceError('INVALID_PARAMETER', message, { details: { parameter } });
}
