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
 * Takes a `multipart/form-data` body (RFC 7578; RFC 2046, 5.1.1) apart without copying it, in time linear in its length
 * for any body. What precedes the first boundary and what follows the last one is passed over.
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
  let at = endOfFirstDelimiter(body, delimiter, findDelimiter);
  const parts: FormPart[] = [];
  while (!isAt(body, at, CLOSING)) {
    const headBegin = endOfPadding(body, at);
    if (!isAt(body, headBegin, HEAD_BEGIN)) throw new MultipartError('a boundary is followed by other text');
    if (parts.length === maxParts) throw new TooManyParts(`more than ${maxParts} parts`);
    const headLength = findHeadEnd(body.subarray(headBegin, headBegin + maxHeadBytes), 0);
    if (headLength < 0) throw new MultipartError('the headers of a part do not end');
    const begin = headBegin + headLength + HEAD_END.length;
    const end = findDelimiter(body, headBegin);
    if (end < 0) throw new MultipartError('the closing boundary is missing');
    if (end < begin) throw new MultipartError('a boundary lies in the headers of a part');
    const head = body.subarray(headBegin + HEAD_BEGIN.length, headBegin + headLength);
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
const [SPACE, TAB] = encoder.encode(' \t');

/** The line break before a delimiter belongs to it; a first one that opens the body has none. */
function endOfFirstDelimiter(
  body: Uint8Array,
  delimiter: Uint8Array,
  find: (bytes: Uint8Array, from: number) => number,
): number {
  if (isAt(body, 0, delimiter.subarray(LINE_BREAK.length))) return delimiter.length - LINE_BREAK.length;
  const begin = find(body, 0);
  if (begin < 0) throw new MultipartError('the boundary of its Content-Type is missing from the body');
  return begin + delimiter.length;
}

/** RFC 2046 allows blanks behind a boundary. */
function endOfPadding(body: Uint8Array, from: number): number {
  let at = from;
  while (body[at] === SPACE || body[at] === TAB) at += 1;
  return at;
}

const DISPOSITION = /^content-disposition[ \t]*:[ \t]*form-data[ \t]*(;.*)$/im;
/** RFC 5322, 2.2.3: a line that begins with a blank continues the one before. */
const FOLD = /\r\n(?=[ \t])/g;

function readHead(head: string): Pick<FormPart, 'name' | 'fileName'> {
  const disposition = DISPOSITION.exec(head.replace(FOLD, ''))?.[1];
  if (disposition === undefined) {
    throw new MultipartError('a part has no header Content-Disposition: form-data with a name');
  }
  const parameters = readParameters(disposition);
  const name = parameters.get('name');
  if (name === undefined) throw new MultipartError('a part has no name');
  const encoded = parameters.get('filename*');
  return { name, fileName: decodeFileName(encoded) ?? parameters.get('filename') ?? encoded };
}

const PARAMETER_NAME = /;[ \t]*([^\s=;"]+)[ \t]*=[ \t]*/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"/y;
/** RFC 9110, 5.6.6, but for tokens: clients put into them what belongs between quotation marks. */
const TOKEN = /[^;]*/y;

/** @param text `; name=value` as often as there are parameters */
function readParameters(text: string): Map<string, string> {
  const parameters = new Map<string, string>();
  for (let at = 0; at >= 0 && at < text.length; ) {
    const [matched, name] = matchAt(PARAMETER_NAME, text, at) ?? [];
    if (matched === undefined || name === undefined) {
      at = text.indexOf(';', at + 1);
      continue;
    }
    const valueAt = at + matched.length;
    const isQuoted = text[valueAt] === '"';
    const value = matchAt(isQuoted ? QUOTED : TOKEN, text, valueAt);
    if (!value) throw new MultipartError('a quotation mark in the headers of a part is not closed');
    parameters.set(name.toLowerCase(), value[1]?.replace(/\\(.)/g, '$1') ?? value[0].trim());
    at = text.indexOf(';', valueAt + value[0].length);
  }
  return parameters;
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
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
  for (let index = 0; index < pattern.length; index += 1) {
    if (bytes[at + index] !== pattern[index]) return false;
  }
  return true;
}

/**
 * Horspool's search (1980): it looks at the byte where the pattern would end, and mostly skips as many as the pattern
 * has. Where that byte fits, the pattern is compared from its front: a delimiter has its only carriage return there, so
 * that all comparisons together are linear in the length of the body.
 */
function searchFor(pattern: Uint8Array): (bytes: Uint8Array, from: number) => number {
  const last = pattern.length - 1;
  const [firstByte, lastByte] = [pattern[0], pattern[last]];
  const skips = new Uint8Array(256).fill(pattern.length);
  for (let index = 0; index < last; index += 1) skips[pattern[index] ?? 0] = last - index;
  return (bytes, from) => {
    for (let end = from + last; end < bytes.length; ) {
      const byte = bytes[end] ?? 0;
      if (byte === lastByte && bytes[end - last] === firstByte && isAt(bytes, end - last, pattern)) {
        return end - last;
      }
      end += skips[byte] ?? 1;
    }
    return -1;
  };
}
