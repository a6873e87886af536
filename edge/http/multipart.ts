/** One part of a multipart form. */
export interface FormPart {
  name: string;
  /** Undefined for a part that is no file. */
  fileName: string | undefined;
  /** A view into the form's own bytes. */
  bytes: Uint8Array<ArrayBuffer>;
}

export interface FormLimits {
  maxParts: number;
  /** Of the header lines of one part. */
  maxHeadBytes: number;
}

/** A body that is no multipart form; `message` says why. */
export class MultipartError extends Error {
  override readonly name: string = 'MultipartError';
}

export class TooManyParts extends MultipartError {
  override readonly name = 'TooManyParts';
}

const LINE_BREAK = '\r\n';

/**
 * Takes a `multipart/form-data` body (RFC 7578; RFC 2046, 5.1.1) apart without copying it. What RFC 2046 allows for
 * mail and no client sends over HTTP is refused: text before the first boundary, blanks behind one, a part without a
 * body. What follows the last boundary is passed over.
 *
 * @throws MultipartError
 */
export function parseMultipart(
  body: Uint8Array<ArrayBuffer>,
  boundary: string,
  { maxParts, maxHeadBytes }: FormLimits,
): FormPart[] {
  const delimiter = encoder.encode(`${LINE_BREAK}--${boundary}`);
  const findDelimiter = searchFor(delimiter);
  // The line break before a delimiter belongs to it; the first delimiter opens the body and has none.
  let at = delimiter.length - LINE_BREAK.length;
  if (!isAt(body, 0, delimiter.subarray(LINE_BREAK.length))) throw new MultipartError('it opens otherwise');
  const parts: FormPart[] = [];
  while (!isAt(body, at, CLOSING)) {
    if (!isAt(body, at, HEAD_BEGIN)) throw new MultipartError('a boundary is followed by something else');
    if (parts.length === maxParts) throw new TooManyParts(`more than ${maxParts} parts`);
    const headLength = findHeadEnd(body.subarray(at, at + maxHeadBytes), 0);
    if (headLength < 0) throw new MultipartError('the head of a part does not end');
    const begin = at + headLength + HEAD_END.length;
    const end = findDelimiter(body, at);
    if (end < begin) throw new MultipartError('a part does not end');
    const head = body.subarray(at + HEAD_BEGIN.length, at + headLength);
    parts.push({ ...readHead(decoder.decode(head)), bytes: body.subarray(begin, end) });
    at = end + delimiter.length;
  }
  return parts;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const CLOSING = encoder.encode('--');
const HEAD_BEGIN = encoder.encode(LINE_BREAK);
const HEAD_END = encoder.encode(LINE_BREAK + LINE_BREAK);
const findHeadEnd = searchFor(HEAD_END);

const DISPOSITION = /^content-disposition[ \t]*:[ \t]*form-data[ \t]*(;.*)$/im;
/** RFC 9110, 5.6.6, but for tokens: clients put into them what belongs between quotation marks. */
const PARAMETER = /;[ \t]*([^\s=;"]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^;]*))/g;

function readHead(head: string): Pick<FormPart, 'name' | 'fileName'> {
  const parameters = new Map<string, string>();
  for (const [, name = '', quoted, token = ''] of (DISPOSITION.exec(head)?.[1] ?? '').matchAll(PARAMETER)) {
    parameters.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? token.trim());
  }
  const name = parameters.get('name');
  if (name === undefined) throw new MultipartError('a part has no name');
  const encoded = parameters.get('filename*');
  return { name, fileName: decodeFileName(encoded) ?? parameters.get('filename') ?? encoded };
}

/** RFC 8187, 3.2. RFC 7578 forbids it in forms, and yet there are clients that have no other way to name a file. */
function decodeFileName(value = ''): string | undefined {
  const encoded = /^utf-8'[^']*'(.+)$/i.exec(value)?.[1];
  try {
    return encoded && decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
}

function isAt(bytes: Uint8Array, at: number, pattern: Uint8Array): boolean {
  return pattern.every((byte, index) => bytes[at + index] === byte);
}

/**
 * Horspool's search (1980): it looks at the byte where the pattern would end, and mostly skips as many as the pattern
 * has. A delimiter has its only carriage return in front, so that comparing forwards takes linear time for any body.
 */
function searchFor(pattern: Uint8Array): (bytes: Uint8Array, from: number) => number {
  const last = pattern.length - 1;
  const skips = new Uint8Array(256).fill(pattern.length);
  for (let index = 0; index <= last; index += 1) skips[pattern[index] ?? 0] = last - index;
  return (bytes, from) => {
    for (let end = from + last; end < bytes.length; ) {
      const skip = skips[bytes[end] ?? 0] ?? 0;
      if (skip === 0 && isAt(bytes, end - last, pattern)) return end - last;
      end += Math.max(1, skip);
    }
    return -1;
  };
}
