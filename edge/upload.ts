import { ServiceError } from '../shared/contract/errors.ts';
import type { ImageLimits } from '../shared/contract/limits.ts';
import { checkByteLength, checkFileExtension } from '../shared/image-header.ts';
import { verifyContentDigest } from './content-digest.ts';

/** One image as a client sent it, and the form fields that came along. */
export interface Upload {
  bytes: Uint8Array<ArrayBuffer>;
  fields: [string, string][];
}

/** Room for boundaries, part headers and parameter fields around the image of a multipart body. */
const MULTIPART_OVERHEAD_BYTES = 64 * 1024;
const IMAGE_FIELDS: ReadonlySet<string> = new Set(['image', 'file']);

/** The most bytes that reading this request's body can take; what is announced, where a length is announced. */
export function announcedBytes(request: Request, limits: ImageLimits): number {
  const announced = Number(request.headers.get('content-length') ?? Number.NaN);
  return Number.isFinite(announced) ? announced : limits.maxBytes + MULTIPART_OVERHEAD_BYTES;
}

/**
 * Reads the image from a multipart form (field `image` or `file`) or from a raw `image/*` body.
 *
 * @throws ServiceError `UNSUPPORTED_MEDIA_TYPE`, `IMAGE_TOO_LARGE`, `INVALID_PARAMETER` for a form without
 *   exactly one image and for a body that its `Content-Digest` contradicts, `INVALID_IMAGE` for a file name of
 *   another kind
 */
export async function readUpload(request: Request, limits: ImageLimits): Promise<Upload> {
  const mediaType = (request.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  if (mediaType === 'multipart/form-data') return readForm(request, limits);
  if (mediaType.startsWith('image/')) {
    return { bytes: await readContent(request, limits.maxBytes, limits), fields: [] };
  }
  throw new ServiceError(
    'UNSUPPORTED_MEDIA_TYPE',
    'Send the image as multipart/form-data in the field "image", or as the raw body with Content-Type: image/*.',
    { details: { supported: ['multipart/form-data', 'image/*'] } },
  );
}

async function readForm(request: Request, limits: ImageLimits): Promise<Upload> {
  const body = await readContent(request, limits.maxBytes + MULTIPART_OVERHEAD_BYTES, limits);
  const form = await parseForm(body, request.headers.get('content-type') ?? '');
  const files: File[] = [];
  const fields: [string, string][] = [];
  for (const [name, value] of form) {
    if (IMAGE_FIELDS.has(name) && typeof value !== 'string') files.push(value);
    else if (IMAGE_FIELDS.has(name))
      throw imageFieldError(`Field '${name}' must be a file with a file name.`);
    else if (typeof value === 'string') fields.push([name, value]);
    else throw imageFieldError(`Field '${name.slice(0, 64)}' must not be a file.`);
  }
  const [file, ...others] = files;
  if (!file) throw imageFieldError("The form has no file in the field 'image'.");
  if (others.length > 0) throw imageFieldError('The form has more than one image.');
  checkFileExtension(file.name);
  checkByteLength(file.size, limits);
  return { bytes: new Uint8Array(await file.arrayBuffer()), fields };
}

function imageFieldError(message: string): ServiceError {
  return new ServiceError('INVALID_PARAMETER', message, { details: { parameter: 'image' } });
}

async function parseForm(body: Uint8Array<ArrayBuffer>, contentType: string): Promise<FormData> {
  try {
    return await new Response(body, { headers: { 'content-type': contentType } }).formData();
  } catch (error) {
    throw new ServiceError('INVALID_PARAMETER', 'The multipart body is malformed.', { cause: error });
  }
}

/** A body over its limit is still read, and forgotten, up to here: clients that get cut off never see the answer. */
const MAX_DISCARDED_BYTES = 64 * 1024 * 1024;

async function readContent(
  request: Request,
  maxBytes: number,
  limits: ImageLimits,
): Promise<Uint8Array<ArrayBuffer>> {
  const content = await readBody(request, maxBytes, limits);
  await verifyContentDigest(request.headers.get('content-digest'), content);
  return content;
}

async function readBody(
  request: Request,
  maxBytes: number,
  limits: ImageLimits,
): Promise<Uint8Array<ArrayBuffer>> {
  if (!request.body) return new Uint8Array();
  const announced = Number(request.headers.get('content-length') ?? Number.NaN);
  try {
    // With a length announced HTTP itself bounds the body, and one native call reads it.
    if (announced <= maxBytes) return new Uint8Array(await request.arrayBuffer());
    return await readStream(request.body, maxBytes, limits);
  } catch (error) {
    if (error instanceof ServiceError) throw error;
    throw new ServiceError('INVALID_IMAGE', 'The upload broke off.', { cause: error });
  }
}

async function readStream(
  body: ReadableStream<Uint8Array>,
  maxBytes: number,
  { maxBytes: maxImageBytes }: ImageLimits,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length <= maxBytes) chunks.push(new Uint8Array(chunk));
    else chunks.length = 0;
    if (length > MAX_DISCARDED_BYTES) break;
  }
  if (length <= maxBytes) return new Uint8Array(await new Blob(chunks).arrayBuffer());
  throw new ServiceError(
    'IMAGE_TOO_LARGE',
    `The upload is larger than an image of ${maxImageBytes} bytes can be.`,
    {
      details: { limit: 'bytes', max: maxImageBytes },
    },
  );
}
