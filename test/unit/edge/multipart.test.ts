import { parseMultipart as parseByLibrary } from '@remix-run/multipart-parser';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type FormPart, MultipartError, parseMultipart, TooManyParts } from '../../../edge/http/multipart.ts';
import { joinBytes } from '../../fixtures/join-bytes.ts';

const LIMITS = { maxParts: 8, maxHeadBytes: 1024 };
const encoder = new TextEncoder();
const LINE_BREAK = encoder.encode('\r\n');

/** As RFC 7578 has it. */
function encodeForm(parts: FormPart[], boundary: string): Uint8Array<ArrayBuffer> {
  const chunks = parts.flatMap(({ name, fileName, bytes }) => {
    const file = fileName === undefined ? '' : `; filename=${quoted(fileName)}\r\nContent-Type: image/png`;
    const head = `Content-Disposition: form-data; name=${quoted(name)}${file}`;
    return [encoder.encode(`--${boundary}\r\n${head}\r\n\r\n`), bytes, encoder.encode('\r\n')];
  });
  return joinBytes([...chunks, encoder.encode(`--${boundary}--\r\n`)]);
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

function parseOrError(body: Uint8Array<ArrayBuffer>, boundary: string): FormPart[] | MultipartError {
  try {
    return parseMultipart(body, boundary, LIMITS);
  } catch (error) {
    if (error instanceof MultipartError) return error;
    throw error;
  }
}

const textOf = (characters: string, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...characters), minLength: 1, maxLength });

/** Bytes that look like what surrounds them. */
function lookalikesOf(boundary: string): fc.Arbitrary<Uint8Array<ArrayBuffer>> {
  const fragments = [
    '\r',
    '\n',
    '\r\n',
    '\r\n\r\n',
    '-',
    '\r\n-',
    boundary,
    `--${boundary}`,
    `\r\n--${boundary}`,
  ];
  const fragment = fc.oneof(
    fc.constantFrom(...fragments, `\r\n--${boundary.slice(0, -1)}`).map((text) => encoder.encode(text)),
    fc.uint8Array({ maxLength: 20 }),
  );
  return fc.array(fragment, { maxLength: 12 }).map(joinBytes);
}

const formArbitrary = textOf("09azAZ'()+_,-./:=?", 70).chain((boundary) => {
  const name = textOf('aé€"\\;=:.-_%[]', 12);
  const holdsDelimiter = (lines: Uint8Array) => Buffer.from(lines).includes(`\r\n--${boundary}`);
  const bytes = lookalikesOf(boundary).filter((content) => !holdsDelimiter(joinBytes([LINE_BREAK, content])));
  const part = fc.record({ name, fileName: fc.option(name, { nil: undefined }), bytes });
  return fc.record({
    boundary: fc.constant(boundary),
    parts: fc.array(part, { maxLength: LIMITS.maxParts }),
    noise: lookalikesOf(boundary),
  });
});

describe('a multipart form', () => {
  test('gives back the parts that were put into it, as views', () => {
    fc.assert(
      fc.property(formArbitrary, ({ parts, boundary }) => {
        const body = encodeForm(parts, boundary);
        const read = parseMultipart(body, boundary, LIMITS);
        expect(read).toEqual(parts);
        expect(read.every(({ bytes }) => bytes.buffer === body.buffer)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test('that is cut short anywhere is refused', () => {
    fc.assert(
      fc.property(formArbitrary, fc.nat(), ({ parts, boundary }, cut) => {
        const body = encodeForm(parts, boundary);
        const closed = body.length - '\r\n'.length;
        expect(parseOrError(body.subarray(0, cut % closed), boundary)).toBeInstanceOf(MultipartError);
      }),
      { numRuns: 500 },
    );
  });

  test('that is damaged is refused, or cut where @remix-run/multipart-parser cuts it', () => {
    fc.assert(
      fc.property(formArbitrary, fc.nat(), fc.nat(30), ({ parts, boundary, noise }, position, replaced) => {
        const body = encodeForm(parts, boundary);
        const at = position % body.length;
        const damaged = joinBytes([body.subarray(0, at), noise, body.subarray(at + replaced)]);
        const read = parseOrError(damaged, boundary);
        if (read instanceof MultipartError) return;
        const expected = Array.from(
          parseByLibrary(damaged, { boundary }),
          ({ bytes }) => new Uint8Array(bytes),
        );
        expect(read.map(({ bytes }) => bytes)).toEqual(expected);
      }),
      { numRuns: 2_000 },
    );
  });

  test('takes no longer for bytes that were made to slow down the search', () => {
    const boundary = '-'.repeat(70);
    const slow = encoder.encode(`\r\n--${'-'.repeat(69)}`);
    const bytes = joinBytes(Array.from({ length: 20_000 }, () => slow));
    const parts = [{ name: 'image', fileName: 'a.png', bytes }];
    expect(parseMultipart(encodeForm(parts, boundary), boundary, LIMITS)).toHaveLength(1);
  });
});

describe('the head of a part', () => {
  const partWith = (head: string) =>
    parseOrError(
      joinBytes([
        encoder.encode('--x\r\n'),
        Buffer.from(head, 'latin1'),
        encoder.encode('\r\n\r\n1\r\n--x--'),
      ]),
      'x',
    );

  test.each([
    ['content-disposition:form-data;name=a', { name: 'a', fileName: undefined }],
    [
      'Content-Type: image/png\r\nCONTENT-DISPOSITION: Form-Data; Name="a"',
      { name: 'a', fileName: undefined },
    ],
    [
      'Content-Disposition: form-data; name="a"; filename=two words.png',
      { name: 'a', fileName: 'two words.png' },
    ],
    [
      'Content-Disposition: form-data; name="a"; filename="x;name=b.png"',
      { name: 'a', fileName: 'x;name=b.png' },
    ],
    ['Content-Disposition: form-data; name="a"; filename=""', { name: 'a', fileName: '' }],
    [
      "Content-Disposition: form-data; name=a; filename=b; filename*=UTF-8''%C3%A9.png",
      { name: 'a', fileName: 'é.png' },
    ],
    [
      "Content-Disposition: form-data; name=a; filename*=UTF-8''%C3.png",
      { name: 'a', fileName: "UTF-8''%C3.png" },
    ],
    [
      "Content-Disposition: form-data; name=a; filename*=ISO-8859-1''%E9.png",
      { name: 'a', fileName: "ISO-8859-1''%E9.png" },
    ],
    [
      'Content-Disposition: form-data; name="a"; filename="caf\xe9.png"',
      { name: 'a', fileName: 'caf\ufffd.png' },
    ],
  ])('%s', (head, expected) => {
    expect(partWith(head)).toMatchObject([expected]);
  });

  test.each([
    '',
    'Content-Type: image/png',
    'Content-Disposition: attachment; name="a"',
    'Content-Disposition: form-data',
    'Content-Disposition: form-data; filename="a.png"',
    '\r\nContent-Disposition: form-data; name="a"',
    `Content-Disposition: form-data; name="${'a'.repeat(LIMITS.maxHeadBytes)}"`,
  ])('%s is refused', (head) => {
    expect(partWith(head)).toBeInstanceOf(MultipartError);
  });
});

test.each([
  ['', 'nothing'],
  ['--x', 'no end'],
  ['\r\n--x--', 'a line before the first boundary'],
  ['--y--', 'another boundary'],
  ['--xy\r\n\r\n', 'a longer boundary'],
  ['--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--xy\r\n--x--', 'text behind a boundary'],
  ['--x\r\nContent-Disposition: form-data; name=a\r\n--x--\r\n\r\n\r\n--x--', 'a boundary in a head'],
])('%j is no form: %s', (body) => {
  expect(parseOrError(encoder.encode(body), 'x')).toBeInstanceOf(MultipartError);
});

test('a form of more parts than allowed is refused as that', () => {
  const part = { name: 'a', fileName: undefined, bytes: encoder.encode('1') };
  const parts = Array.from({ length: LIMITS.maxParts + 1 }, () => part);
  expect(parseOrError(encodeForm(parts, 'x'), 'x')).toBeInstanceOf(TooManyParts);
});
