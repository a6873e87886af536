import { MaxPartsExceededError, MultipartParseError, parseMultipart } from '@remix-run/multipart-parser';
import { ServiceError } from '../shared/contract/errors.ts';

/** One part of a multipart form. */
export interface FormPart {
  name: string;
  /** Undefined for a part that is no file. */
  fileName: string | undefined;
  /** A view into the form's own bytes. */
  bytes: Uint8Array<ArrayBuffer>;
}

/** An image and every parameter that there is, several times over. */
const MAX_PARTS = 64;
const MAX_PART_HEADER_BYTES = 8 * 1024;

/**
 * Takes a `multipart/form-data` body (RFC 7578) apart without copying it; the platforms' own `formData()` makes two
 * copies of every file.
 *
 * @throws ServiceError `INVALID_PARAMETER`
 */
export function parseForm(body: Uint8Array<ArrayBuffer>, contentType: string): FormPart[] {
  const boundary = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType);
  try {
    const parts = parseMultipart(body, {
      boundary: boundary?.[1] ?? boundary?.[2] ?? '',
      maxHeaderSize: MAX_PART_HEADER_BYTES,
      maxParts: MAX_PARTS,
      maxFileSize: body.length,
      maxTotalSize: body.length,
    });
    if (!boundary) throw new MultipartParseError('no boundary');
    return Array.from(parts, ({ name, filename, content }) => ({
      name: name ?? '',
      fileName: filename,
      bytes: joined(content, body),
    }));
  } catch (error) {
    if (!(error instanceof MultipartParseError)) throw error;
    const message =
      error instanceof MaxPartsExceededError
        ? `The form has more than ${MAX_PARTS} fields.`
        : 'The multipart body is malformed.';
    throw new ServiceError('INVALID_PARAMETER', message, { cause: error });
  }
}

/** One chunk went into the parser, so a part's content is one view into it, or nothing. */
function joined(content: Uint8Array[], body: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const [first, ...others] = content;
  if (!first) return new Uint8Array();
  if (others.length > 0) throw new MultipartParseError('a part in pieces');
  return body.subarray(first.byteOffset - body.byteOffset, first.byteOffset - body.byteOffset + first.length);
}
