import { ServiceError } from '../../shared/contract/errors.ts';
import {
  INFERENCE_MODEL,
  type InferenceDatatype,
  type InferenceTensor,
  type InferResponse,
} from '../../shared/contract/inference.ts';
import {
  UNKNOWN,
  type VehicleData,
  type VehicleModel,
  type VehiclePrediction,
  vehicleAttributeSchema,
} from '../../shared/contract/vehicles.ts';
import type { InferenceRequest } from './inference-request.ts';

type Value = string | number | boolean;

/** One output of the model: a value for each image. */
interface Output {
  name: string;
  datatype: InferenceDatatype;
  valueOf: (data: VehicleData) => Value;
}

interface Labelled {
  predicted_value: VehiclePrediction['predicted_value'];
  confidence: number;
}

/** Outputs of a model: the exact class and every attribute with its confidence, and the whole result as JSON. */
function outputsOf({ labels }: VehicleModel): Output[] {
  const attributes = vehicleAttributeSchema.options.filter((name) => labels[name]);
  return [
    { name: 'is_vehicle', datatype: 'BOOL', valueOf: (data) => data.is_vehicle },
    { name: 'vehicle_probability', datatype: 'FP32', valueOf: (data) => data.vehicle_probability },
    ...(labels.class ? labelOutputs('class', (data) => data.class) : []),
    ...attributes.flatMap((name) => labelOutputs(name, (data) => data.predictions[name])),
    { name: 'result', datatype: 'BYTES', valueOf: (data) => JSON.stringify(data) },
  ];
}

function labelOutputs(name: string, of: (data: VehicleData) => Labelled | undefined): Output[] {
  return [
    { name, datatype: 'BYTES', valueOf: (data) => String(of(data)?.predicted_value ?? UNKNOWN) },
    { name: `${name}_confidence`, datatype: 'FP32', valueOf: (data) => of(data)?.confidence ?? 0 },
  ];
}

/** The model's outputs, for its metadata. */
export function outputTensors(model: VehicleModel): InferenceTensor[] {
  return outputsOf(model).map(({ name, datatype }) => ({ name, datatype, shape: [-1] }));
}

export interface InferenceResponse {
  json: InferResponse;
  /** The tensors that follow the JSON as bytes. */
  tensors: Uint8Array<ArrayBuffer>[];
}

/** @throws ServiceError `INVALID_PARAMETER` for an output that the model does not have */
export function checkOutputs(request: Pick<InferenceRequest, 'outputs'>, model: VehicleModel): void {
  requestedOutputs(request, model);
}

/** In the order of the request. */
function requestedOutputs({ outputs }: Pick<InferenceRequest, 'outputs'>, model: VehicleModel): Output[] {
  const known = outputsOf(model);
  if (!outputs) return known;
  return [...outputs.keys()].map((name) => {
    const output = known.find((candidate) => candidate.name === name);
    if (output) return output;
    throw new ServiceError('INVALID_PARAMETER', 'The model has no output of this name.', {
      details: { parameter: 'outputs', known: known.map((candidate) => candidate.name) },
    });
  });
}

/**
 * Outputs of a request, in its order.
 *
 * @throws ServiceError as {@link checkOutputs}
 */
export function inferenceResponse(
  request: Pick<InferenceRequest, 'id' | 'outputs' | 'isBinary'>,
  model: VehicleModel,
  results: readonly VehicleData[],
): InferenceResponse {
  const { id, isBinary } = request;
  const tensors: Uint8Array<ArrayBuffer>[] = [];
  const outputs = requestedOutputs(request, model).map((output): InferResponse['outputs'][number] => {
    const { name, datatype } = output;
    const values = results.map(output.valueOf);
    const tensor = { name, datatype, shape: [values.length] };
    if (!(request.outputs?.get(name) || isBinary)) return { ...tensor, data: values };
    const bytes = bytesOf(datatype, values);
    tensors.push(bytes);
    return { ...tensor, parameters: { binary_data_size: bytes.length } };
  });
  const version = results[0]?.model_version ?? '';
  const head = { model_name: INFERENCE_MODEL, model_version: version, ...(id !== undefined && { id }) };
  return { json: { ...head, outputs }, tensors };
}

/** Little-endian, row-major, as the binary tensor data extension has it. */
function bytesOf(datatype: InferenceDatatype, values: readonly Value[]): Uint8Array<ArrayBuffer> {
  if (datatype === 'BOOL') return Uint8Array.from(values, (value) => (value ? 1 : 0));
  if (datatype === 'FP32') {
    const view = new DataView(new ArrayBuffer(4 * values.length));
    for (const [at, value] of values.entries()) view.setFloat32(4 * at, Number(value), true);
    return new Uint8Array(view.buffer);
  }
  return joined(
    values.flatMap((value) => {
      const text = new TextEncoder().encode(String(value));
      const length = new DataView(new ArrayBuffer(4));
      length.setUint32(0, text.length, true);
      return [new Uint8Array(length.buffer), text];
    }),
  );
}

/** One after the other. */
export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
