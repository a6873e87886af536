/** A member of an archive. */
export interface ZipMember {
  /** ASCII. */
  name: string;
  /** The content, in chunks; the same at each call. */
  chunks: () => Iterable<Uint8Array>;
}

/** Numbers of a record, each with its length in bytes. */
type Fields = readonly (readonly [value: number, bytes: 2 | 4])[];

/** Version 2.0 of the format, which every reader knows. */
const VERSION = 20;
/** 1 January 1980, the earliest date of the format: equal contents give equal archives. */
const DATE = 0x21;

/**
 * A ZIP archive (PKWARE's APPNOTE 6.3.10, sections 4.3.7 to 4.3.16) of stored members, of less than 4 GiB in all. Own
 * code, because libraries that write archives in chunks put sizes and checksums behind the data, and readers that do not
 * start at the end of an archive (such as cnpy's) need them in front.
 *
 * @returns the archive in chunks: heads, and the chunks of the members
 */
export function* storedZip(members: readonly ZipMember[]): Generator<Uint8Array> {
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const { name, chunks } of members) {
    const { checksum, size } = measure(chunks());
    const about: Fields = [
      [VERSION, 2],
      [0, 2], // flags
      [0, 2], // stored
      [0, 2], // midnight
      [DATE, 2],
      [checksum, 4],
      [size, 4],
      [size, 4],
      [name.length, 2],
      [0, 2], // extra field
    ];
    directory.push(centralHead(name, about, at));
    const head = record([[0x04034b50, 4], ...about], name);
    yield head;
    yield* chunks();
    at += head.length + size;
  }
  yield* directory;
  yield endOfDirectory(directory, at);
}

function centralHead(name: string, about: Fields, at: number): Uint8Array {
  const place: Fields = [
    [0, 2], // comment
    [0, 2], // disk
    [0, 2], // internal attributes
    [0, 4], // external attributes
    [at, 4],
  ];
  return record([[0x02014b50, 4], [VERSION, 2], ...about, ...place], name);
}

function endOfDirectory(directory: readonly Uint8Array[], at: number): Uint8Array {
  return record([
    [0x06054b50, 4],
    [0, 2], // disk
    [0, 2], // disk of the directory
    [directory.length, 2],
    [directory.length, 2],
    [directory.reduce((sum, { length }) => sum + length, 0), 4],
    [at, 4],
    [0, 2], // comment
  ]);
}

/** Little-endian. */
function record(fields: Fields, text = ''): Uint8Array {
  const length = fields.reduce((sum, [, bytes]) => sum + bytes, 0);
  const whole = new Uint8Array(length + text.length);
  const view = new DataView(whole.buffer);
  let at = 0;
  for (const [value, bytes] of fields) {
    if (bytes === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += bytes;
  }
  for (const character of text) view.setUint8(at++, character.charCodeAt(0));
  return whole;
}

/** Of one byte: CRC-32 as in ISO 3309, reflected. */
const CHECKSUMS = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

function measure(chunks: Iterable<Uint8Array>): { checksum: number; size: number } {
  let rest = -1;
  let size = 0;
  for (const chunk of chunks) {
    for (const byte of chunk) rest = (CHECKSUMS[(rest ^ byte) & 0xff] ?? 0) ^ (rest >>> 8);
    size += chunk.length;
  }
  return { checksum: ~rest >>> 0, size };
}
