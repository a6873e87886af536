import { ServiceError } from '../../shared/contract/errors.ts';
import { type FormPart, MultipartError, parseMultipart, TooManyParts } from './multipart.ts';

export type { FormPart };

/** An image and every parameter that there is, several times over. */
const MAX_PARTS = 64;
const MAX_PART_HEAD_BYTES = 8 * 1024;

/**
 * Takes a `multipart/form-data` body apart without copying it.
 *
 * @throws ServiceError `INVALID_PARAMETER`
 */
export function parseForm(body: Uint8Array<ArrayBuffer>, contentType: string): FormPart[] {
  const boundary = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType);
  try {
    if (!boundary) throw new MultipartError('its Content-Type has no boundary');
    const limits = { maxParts: MAX_PARTS, maxHeadBytes: MAX_PART_HEAD_BYTES };
    return parseMultipart(body, boundary[1] ?? boundary[2] ?? '', limits);
  } catch (error) {
    if (!(error instanceof MultipartError)) throw error;
    const message =
      error instanceof TooManyParts
        ? `The form has more than ${MAX_PARTS} fields.`
        : `The multipart body is malformed: ${error.message}.`;
    throw new ServiceError('INVALID_PARAMETER', message, { cause: error });
  }
}
