/**
 * The safetensors container (https://github.com/huggingface/safetensors, "Format"): an 8-byte little-endian
 * header length, a JSON header, then the tensors back to back, row-major and little-endian.
 */
export interface Tensor {
  name: string;
  dtype: 'F32' | 'I32' | 'U8' | 'I8';
  shape: readonly number[];
}

/** A file that breaks the format; `message` says how. */
export class SafetensorsError extends Error {
  override readonly name = 'SafetensorsError';
}

export const SAFETENSORS_CONTENT_TYPE = 'application/vnd.safetensors';

/** Ample for the handful of tensors that we write; bounds what a damaged length can make us read. */
const MAX_HEADER_LENGTH = 16 * 1024;
const PREFIX_LENGTH = 8;
export const BYTES_PER_ELEMENT = { F32: 4, I32: 4, U8: 1, I8: 1 } as const;

/**
 * @param metadata becomes `__metadata__`
 * @param tensors in the order in which `data` holds them
 * @param data the tensors' bytes, in any number of chunks
 * @returns the file; equal arguments give equal bytes
 */
export function encodeSafetensors(
  metadata: Record<string, string>,
  tensors: readonly Tensor[],
  data: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  const head = encodeSafetensorsHead(metadata, tensors);
  const file = new Uint8Array(data.reduce((sum, chunk) => sum + chunk.length, head.length));
  let offset = 0;
  for (const chunk of [head, ...data]) {
    file.set(chunk, offset);
    offset += chunk.length;
  }
  return file;
}

/** All of a file that comes before the tensors' bytes. */
export function encodeSafetensorsHead(
  metadata: Record<string, string>,
  tensors: readonly Tensor[],
): Uint8Array<ArrayBuffer> {
  const header = new TextEncoder().encode(JSON.stringify(safetensorsHeader(metadata, tensors)));
  // Padding the header to 8 bytes, with spaces as the format asks, aligns the tensors.
  const length = PREFIX_LENGTH + Math.ceil(header.length / 8) * 8;
  const head = new Uint8Array(length).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(length - PREFIX_LENGTH), true);
  head.set(header, PREFIX_LENGTH);
  return head;
}

/** What the JSON header of a file with these tensors says, in the order in which {@link encodeSafetensors} writes it. */
export function safetensorsHeader(
  metadata: Record<string, string>,
  tensors: readonly Tensor[],
): Record<string, unknown> {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let begin = 0;
  for (const { name, dtype, shape } of tensors) {
    const end = begin + shape.reduce((product, extent) => product * extent, BYTES_PER_ELEMENT[dtype]);
    header[name] = { dtype, shape, data_offsets: [begin, end] };
    begin = end;
  }
  return header;
}

/**
 * Takes a file apart without looking at its tensors.
 *
 * @returns the parsed header, and the tensors' bytes: a view into `file` where that is aligned to 4 bytes, else
 *   a copy that is
 * @throws SafetensorsError when the header is out of bounds or no JSON object
 */
export function splitSafetensors(
  file: Uint8Array<ArrayBuffer>,
  mostHeaderBytes: number = MAX_HEADER_LENGTH,
): {
  header: Record<string, unknown>;
  data: Uint8Array<ArrayBuffer>;
} {
  if (file.length < PREFIX_LENGTH) throw new SafetensorsError('shorter than its length prefix');
  const view = new DataView(file.buffer, file.byteOffset, PREFIX_LENGTH);
  const headerLength = Number(view.getBigUint64(0, true));
  const dataAt = PREFIX_LENGTH + headerLength;
  if (headerLength > mostHeaderBytes || dataAt > file.length) {
    throw new SafetensorsError(`a header of ${headerLength} bytes is out of bounds`);
  }
  const text = new TextDecoder().decode(file.subarray(PREFIX_LENGTH, dataAt));
  const header = parseJson(text);
  if (!isRecord(header)) throw new SafetensorsError('the header is no JSON object');
  const aligned = (file.byteOffset + dataAt) % 4 === 0;
  return { header, data: aligned ? file.subarray(dataAt) : file.slice(dataAt) };
}

/** The parsed text, or undefined where it is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether a parsed JSON value is an object. The client's bundle holds this file, but no schema library. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
