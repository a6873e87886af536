import { MAX_BATCH_IMAGES, MAX_BATCH_LENGTH_IN_IMAGES } from '../../shared/contract/batch.ts';
import { ServiceError } from '../../shared/contract/errors.ts';
import type { FormPart } from '../http/form.ts';
import { fieldFrom, mediaTypeOf, readForm, type UploadLimits, uploadBytes } from './upload.ts';

const IMAGES_FIELD = 'images';

/** The images of a batch as they came, and the form fields that came along. */
export interface BatchUpload {
  images: FormPart[];
  fields: [string, string][];
}

/** The most memory that reading this request's batch can take. */
export function batchBytes(request: Request, limits: UploadLimits): number {
  return uploadBytes(request, limits, MAX_BATCH_LENGTH_IN_IMAGES);
}

/**
 * Reads a multipart form whose field `images` is repeated, once for each image. What the images are is not looked at.
 *
 * @throws ServiceError `UNSUPPORTED_MEDIA_TYPE`, `IMAGE_TOO_LARGE` for more bytes than a batch may have in all,
 *   `INVALID_PARAMETER` for no image, too many, a stray file or a malformed body, `SERVICE_TIMEOUT`
 */
export async function readBatchUpload(request: Request, limits: UploadLimits): Promise<BatchUpload> {
  if (mediaTypeOf(request) !== 'multipart/form-data') {
    throw new ServiceError(
      'UNSUPPORTED_MEDIA_TYPE',
      'Send multipart/form-data with one field "images" for each image.',
      { details: { supported: ['multipart/form-data'] } },
    );
  }
  const parts = await readForm(request, limits, MAX_BATCH_LENGTH_IN_IMAGES);
  const images = parts.filter(({ name }) => name === IMAGES_FIELD);
  if (images.length === 0) throw imagesError("The form has no file in the field 'images'.", {});
  if (images.length > MAX_BATCH_IMAGES) {
    throw imagesError(`A batch has at most ${MAX_BATCH_IMAGES} images.`, {
      max: MAX_BATCH_IMAGES,
      actual: images.length,
    });
  }
  return { images, fields: parts.filter(({ name }) => name !== IMAGES_FIELD).map(fieldFrom) };
}

function imagesError(message: string, details: Record<string, unknown>): ServiceError {
  return new ServiceError('INVALID_PARAMETER', message, { details: { parameter: IMAGES_FIELD, ...details } });
}
