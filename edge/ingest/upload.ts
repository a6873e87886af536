import { ServiceError } from '../../shared/contract/errors.ts';
import type { ImageLimits } from '../../shared/contract/limits.ts';
import { toHex } from '../../shared/hex.ts';
import {
  checkByteLength,
  checkFileExtension,
  checkPixelCount,
  type ImageHeader,
  readImageHeader,
} from '../../shared/image-header.ts';
import { sha256 } from '../../shared/sha256.ts';
import { verifyContentDigest } from '../http/content-digest.ts';
import { type FormPart, parseForm } from '../http/form.ts';
import { type BodyLimits, bytesToHold, readBody } from '../http/request-body.ts';

/** One image as a client sent it, and the form fields that came along. */
export interface Upload {
  bytes: Uint8Array<ArrayBuffer>;
  fields: [string, string][];
}

/** An image that is what it should be, by its header, and its name. */
export interface IdentifiedImage {
  bytes: Uint8Array<ArrayBuffer>;
  header: ImageHeader;
  digest: Uint8Array;
  /** `digest` in hexadecimal. */
  sha256: string;
}

export interface UploadLimits extends ImageLimits {
  /** Longest time for the body to arrive. */
  timeoutMs: number;
}

/** Room for boundaries, part headers and parameter fields around the image of a multipart body. */
const MULTIPART_OVERHEAD_BYTES = 64 * 1024;
const IMAGE_FIELDS: ReadonlySet<string> = new Set(['image', 'file']);

/** The most memory that reading this request's upload can take. */
export function uploadBytes(request: Request, limits: UploadLimits, images = 1): number {
  return bytesToHold(request, formLimits(limits, images));
}

/**
 * Reads a multipart form for up to `images` images.
 *
 * @throws ServiceError `IMAGE_TOO_LARGE`, `INVALID_PARAMETER` for a malformed body or one that its `Content-Digest`
 *   contradicts, `SERVICE_TIMEOUT` for a body too slow
 */
export async function readForm(request: Request, limits: UploadLimits, images = 1): Promise<FormPart[]> {
  const contentType = request.headers.get('content-type') ?? '';
  return parseForm(await readContent(request, formLimits(limits, images)), contentType);
}

export function mediaTypeOf(request: Request): string {
  return (request.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

/**
 * Reads the image from a multipart form (field `image` or `file`) or from a raw `image/*` body.
 *
 * @throws ServiceError `UNSUPPORTED_MEDIA_TYPE`, `IMAGE_TOO_LARGE`, `INVALID_PARAMETER` for a form without
 *   exactly one image and for a body that its `Content-Digest` contradicts, `INVALID_IMAGE` for a file name of
 *   another kind, `SERVICE_TIMEOUT` for a body too slow
 */
export async function readUpload(request: Request, limits: UploadLimits): Promise<Upload> {
  const mediaType = mediaTypeOf(request);
  if (mediaType === 'multipart/form-data') return uploadFrom(await readForm(request, limits), limits);
  if (mediaType.startsWith('image/')) return { bytes: await readContent(request, limits), fields: [] };
  throw new ServiceError(
    'UNSUPPORTED_MEDIA_TYPE',
    'Send the image as multipart/form-data in the field "image", or as the raw body with Content-Type: image/*.',
    { details: { supported: ['multipart/form-data', 'image/*'] } },
  );
}

async function readContent(request: Request, limits: BodyLimits): Promise<Uint8Array<ArrayBuffer>> {
  const content = await readBody(request, limits);
  await verifyContentDigest(request.headers.get('content-digest'), content);
  return content;
}

function formLimits({ maxBytes, timeoutMs }: UploadLimits, images: number): BodyLimits {
  return { maxBytes: images * maxBytes + MULTIPART_OVERHEAD_BYTES, timeoutMs };
}

function uploadFrom(parts: FormPart[], limits: ImageLimits): Upload {
  const [image, ...others] = parts.filter(({ name }) => IMAGE_FIELDS.has(name));
  if (!image) throw imageFieldError("The form has no file in the field 'image'.");
  if (others.length > 0) throw imageFieldError('The form has more than one image.');
  if (image.fileName === undefined)
    throw imageFieldError(`Field '${image.name}' must be a file with a file name.`);
  checkFileExtension(image.fileName);
  checkByteLength(image.bytes.length, limits);
  const fields = parts.filter((part) => part !== image).map(fieldFrom);
  return { bytes: image.bytes, fields };
}

/**
 * Checks and hashes one image of a form.
 *
 * @throws ServiceError `INVALID_IMAGE`, `IMAGE_TOO_LARGE`
 */
export async function identifyImage(
  { fileName = '', bytes }: FormPart,
  limits: ImageLimits,
): Promise<IdentifiedImage> {
  checkFileExtension(fileName);
  checkByteLength(bytes.length, limits);
  const header = readImageHeader(bytes);
  checkPixelCount(header, limits);
  const digest = await sha256(bytes);
  return { bytes, header, digest, sha256: toHex(digest) };
}

export function fieldFrom({ name, fileName, bytes }: FormPart): [string, string] {
  if (fileName !== undefined) throw strayFile(name.slice(0, 64));
  return [name, new TextDecoder().decode(bytes)];
}

function strayFile(name: string): ServiceError {
  return new ServiceError('INVALID_PARAMETER', `Field '${name}' must not be a file.`, {
    details: { parameter: name },
  });
}

function imageFieldError(message: string): ServiceError {
  return new ServiceError('INVALID_PARAMETER', message, { details: { parameter: 'image' } });
}
