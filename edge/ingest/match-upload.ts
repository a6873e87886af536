import { ServiceError } from '../../shared/contract/errors.ts';
import type { ImageLimits } from '../../shared/contract/limits.ts';
import { sha256Schema } from '../../shared/feature-key.ts';
import type { FormPart } from '../http/form.ts';
import {
  fieldFrom,
  type IdentifiedImage,
  identifyImage,
  mediaTypeOf,
  readForm,
  type UploadLimits,
} from './upload.ts';

export const MATCH_FIELDS = ['image1', 'image2'] as const;
export type MatchField = (typeof MATCH_FIELDS)[number];

/** One side of a match: an image, or just the hash of one whose features are cached. */
export interface MatchSide {
  field: MatchField;
  sha256: string;
  upload?: Omit<IdentifiedImage, 'sha256'>;
}

export interface MatchUpload {
  sides: readonly [MatchSide, MatchSide];
  fields: [string, string][];
}

/**
 * Reads a multipart form whose fields `image1` and `image2` are a file or a SHA-256 each.
 *
 * @throws ServiceError `UNSUPPORTED_MEDIA_TYPE`, `IMAGE_TOO_LARGE`, `INVALID_PARAMETER` and `INVALID_IMAGE`, whose
 *   details name the field
 */
export async function readMatchUpload(request: Request, limits: UploadLimits): Promise<MatchUpload> {
  if (mediaTypeOf(request) !== 'multipart/form-data') {
    throw new ServiceError(
      'UNSUPPORTED_MEDIA_TYPE',
      'Send multipart/form-data with the fields "image1" and "image2", a file or a SHA-256 each.',
      { details: { supported: ['multipart/form-data'] } },
    );
  }
  const parts = await readForm(request, limits, MATCH_FIELDS.length);
  const fields = parts.filter(({ name }) => !isMatchField(name)).map(fieldFrom);
  return {
    sides: [await readSide(parts, 'image1', limits), await readSide(parts, 'image2', limits)],
    fields,
  };
}

function isMatchField(name: string): boolean {
  return MATCH_FIELDS.some((field) => field === name);
}

async function readSide(parts: FormPart[], field: MatchField, limits: ImageLimits): Promise<MatchSide> {
  const [part, ...others] = parts.filter(({ name }) => name === field);
  if (!part) throw fieldError(field, `The form has no field '${field}'.`);
  if (others.length > 0) throw fieldError(field, `Field '${field}' is given more than once.`);
  if (part.fileName === undefined) {
    return { field, sha256: parseHash(field, new TextDecoder().decode(part.bytes)) };
  }
  try {
    const { sha256, ...upload } = await identifyImage(part, limits);
    return { field, sha256, upload };
  } catch (error) {
    throw error instanceof ServiceError ? withField(error, field) : error;
  }
}

function parseHash(field: MatchField, text: string): string {
  const parsed = sha256Schema.safeParse(text.trim().toLowerCase());
  if (parsed.success) return parsed.data;
  throw fieldError(field, `Field '${field}' must be a file or a SHA-256 in 64 hexadecimal digits.`);
}

function fieldError(field: MatchField, message: string): ServiceError {
  return new ServiceError('INVALID_PARAMETER', message, { details: { parameter: field } });
}

/** The same error, telling which of the two images it is about. */
export function withField(error: ServiceError, field: MatchField): ServiceError {
  return new ServiceError(error.code, error.message, {
    details: { ...error.details, field },
    cause: error.cause,
    ...(error.retryAfterSeconds !== undefined && { retryAfterSeconds: error.retryAfterSeconds }),
  });
}
