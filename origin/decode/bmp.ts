import type { PixelImage } from '../native/addon.ts';
import { cancelledDecoding, damaged, unsupportedKind } from './errors.ts';

/**
 * Windows and OS/2 bitmaps, read as `cv2.imread` reads them: alpha and 32-bit channel masks are ignored, the
 * 5 or 6 bits of a 16-bit pixel become the high bits of a byte, pixels that an RLE stream skips take colour 0.
 *
 * @throws ServiceError `IMAGE_READ_ERROR`; an Error of code `CANCELLED` once the flag is set
 */
export function decodeBmp(bytes: Uint8Array, cancelled?: Int32Array): PixelImage {
  try {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const header = readHeader(view);
    const rows = header.compression === RLE4 || header.compression === RLE8 ? runLengthRows : plainRows;
    return {
      pixels: rows(header, bytes, () => throwIfSet(cancelled)),
      width: header.width,
      height: header.height,
      channels: 3,
    };
  } catch (error) {
    // DataView refuses every read past the end of the file.
    if (error instanceof RangeError) throw damaged('bmp', error);
    throw error;
  }
}

/** Some milliseconds of work lie between two looks at the flag. */
const CHECK_EVERY_PIXELS = 1_000_000;
const CHECK_EVERY_RUNS = 4096;

function throwIfSet(cancelled: Int32Array | undefined): void {
  if (cancelled && Atomics.load(cancelled, 0) !== 0) throw cancelledDecoding();
}

const [RGB, RLE8, RLE4, BITFIELDS] = [0, 1, 2, 3];

interface BmpHeader {
  width: number;
  height: number;
  topDown: boolean;
  bitsPerPixel: number;
  compression: number;
  dataOffset: number;
  /** R, G, B of 256 colours; those that the file does not define are black. */
  palette: Uint8Array;
  /** Width of green in a 16-bit pixel; red and blue have five bits. */
  greenBits: 5 | 6;
}

function readHeader(view: DataView): BmpHeader {
  const dataOffset = view.getUint32(10, true);
  const headerLength = view.getUint32(14, true);
  const header = headerLength === 12 ? readOs2Header(view) : readWindowsHeader(view, headerLength);
  if (header.width < 1 || header.height < 1) throw damaged('bmp');
  const supported = {
    [RGB]: [1, 4, 8, 16, 24, 32],
    [RLE8]: [8],
    [RLE4]: [4],
    [BITFIELDS]: [16, 32],
  }[header.compression];
  if (!supported?.includes(header.bitsPerPixel)) {
    throw unsupportedKind('bmp', `of ${header.bitsPerPixel} bits with compression ${header.compression}`);
  }
  return { ...header, dataOffset };
}

/** BITMAPCOREHEADER: 16-bit sizes, a full palette of three bytes a colour. */
function readOs2Header(view: DataView): Omit<BmpHeader, 'dataOffset'> {
  const bitsPerPixel = view.getUint16(24, true);
  return {
    width: view.getUint16(18, true),
    height: view.getUint16(20, true),
    topDown: false,
    bitsPerPixel,
    compression: RGB,
    palette: readPalette(view, 26, bitsPerPixel <= 8 ? 1 << bitsPerPixel : 0, 3),
    greenBits: 5,
  };
}

/** BITMAPINFOHEADER and its successors. */
function readWindowsHeader(view: DataView, headerLength: number): Omit<BmpHeader, 'dataOffset'> {
  if (headerLength < 40) throw damaged('bmp');
  const signedHeight = view.getInt32(22, true);
  const bitsPerPixel = view.getUint16(28, true);
  const compression = view.getUint32(30, true);
  const colours = bitsPerPixel <= 8 ? view.getUint32(46, true) || 1 << bitsPerPixel : 0;
  if (colours > 256) throw damaged('bmp');
  return {
    width: view.getInt32(18, true),
    height: Math.abs(signedHeight),
    topDown: signedHeight < 0,
    bitsPerPixel,
    compression,
    palette: readPalette(view, 14 + headerLength, colours, 4),
    greenBits: bitsPerPixel === 16 && compression === BITFIELDS ? readGreenBits(view, headerLength) : 5,
  };
}

function readPalette(view: DataView, offset: number, colours: number, entryLength: 3 | 4): Uint8Array {
  const palette = new Uint8Array(256 * 3);
  for (let colour = 0; colour < colours; colour += 1) {
    const at = offset + colour * entryLength;
    palette[colour * 3] = view.getUint8(at + 2);
    palette[colour * 3 + 1] = view.getUint8(at + 1);
    palette[colour * 3 + 2] = view.getUint8(at);
  }
  return palette;
}

/** The three masks stand behind a header of 40 bytes and inside a longer one: at the same place. */
function readGreenBits(view: DataView, headerLength: number): 5 | 6 {
  const masks = [0, 4, 8].map((offset) => view.getUint32(14 + 40 + offset, true)).join();
  if (masks === [0xf800, 0x07e0, 0x001f].join()) return 6;
  if (masks === [0x7c00, 0x03e0, 0x001f].join()) return 5;
  throw unsupportedKind('bmp', `with such colour masks (header of ${headerLength} bytes)`);
}

/** Number of the row from the top that the file's nth row is. */
function rowFromTop(header: BmpHeader, row: number): number {
  return header.topDown ? row : header.height - 1 - row;
}

/** Uncompressed rows, each padded to a multiple of four bytes; the last one's padding may be missing. */
function plainRows(header: BmpHeader, bytes: Uint8Array, checkIsWanted: () => void): Uint8Array {
  const { width, height, bitsPerPixel } = header;
  const rowLength = Math.ceil((width * bitsPerPixel) / 8);
  const stride = Math.ceil(rowLength / 4) * 4;
  // Before the allocation: a short file must not claim a large image.
  if (header.dataOffset + stride * (height - 1) + rowLength > bytes.length) throw damaged('bmp');

  const pixels = new Uint8Array(width * height * 3);
  const writeRow = rowWriter(header);
  const rowsBetweenChecks = Math.ceil(CHECK_EVERY_PIXELS / width);
  for (let row = 0; row < height; row += 1) {
    if (row % rowsBetweenChecks === 0) checkIsWanted();
    const start = header.dataOffset + row * stride;
    writeRow(
      bytes.subarray(start, start + rowLength),
      pixels.subarray(rowFromTop(header, row) * width * 3, (rowFromTop(header, row) + 1) * width * 3),
    );
  }
  return pixels;
}

type RowWriter = (source: Uint8Array, target: Uint8Array) => void;

function rowWriter(header: BmpHeader): RowWriter {
  if (header.bitsPerPixel <= 8) return paletteRow(header);
  if (header.bitsPerPixel === 16) return header.greenBits === 6 ? rgb565Row : rgb555Row;
  return trueColourRow(header.bitsPerPixel / 8);
}

function paletteRow({ bitsPerPixel, palette }: BmpHeader): RowWriter {
  const pixelsPerByte = 8 / bitsPerPixel;
  const mask = (1 << bitsPerPixel) - 1;
  return (source, target) => {
    for (let pixel = 0; pixel * 3 < target.length; pixel += 1) {
      const byte = source[Math.floor(pixel / pixelsPerByte)] ?? 0;
      const shift = 8 - bitsPerPixel * ((pixel % pixelsPerByte) + 1);
      paint(target, pixel * 3, palette, (byte >> shift) & mask);
    }
  };
}

function paint(target: Uint8Array, at: number, palette: Uint8Array, colour: number): void {
  target[at] = palette[colour * 3] ?? 0;
  target[at + 1] = palette[colour * 3 + 1] ?? 0;
  target[at + 2] = palette[colour * 3 + 2] ?? 0;
}

function word(source: Uint8Array, offset: number): number {
  return (source[offset] ?? 0) | ((source[offset + 1] ?? 0) << 8);
}

function rgb555Row(source: Uint8Array, target: Uint8Array): void {
  for (let from = 0, to = 0; to < target.length; from += 2, to += 3) {
    const value = word(source, from);
    target[to] = (value >> 7) & 0xf8;
    target[to + 1] = (value >> 2) & 0xf8;
    target[to + 2] = (value << 3) & 0xf8;
  }
}

function rgb565Row(source: Uint8Array, target: Uint8Array): void {
  for (let from = 0, to = 0; to < target.length; from += 2, to += 3) {
    const value = word(source, from);
    target[to] = (value >> 8) & 0xf8;
    target[to + 1] = (value >> 3) & 0xfc;
    target[to + 2] = (value << 3) & 0xf8;
  }
}

function trueColourRow(bytesPerPixel: number): RowWriter {
  return (source, target) => {
    for (let from = 0, to = 0; to < target.length; from += bytesPerPixel, to += 3) {
      target[to] = source[from + 2] ?? 0;
      target[to + 1] = source[from + 1] ?? 0;
      target[to + 2] = source[from] ?? 0;
    }
  };
}

const [END_OF_LINE, END_OF_BITMAP, DELTA] = [0, 1, 2];

/** RLE4 and RLE8: pairs of (count, colours), or escapes that begin with 0. Ends at the last row at the latest. */
function runLengthRows(header: BmpHeader, bytes: Uint8Array, checkIsWanted: () => void): Uint8Array {
  const stream = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const canvas = new RunCanvas(header);
  const packed = header.compression === RLE4;
  let at = header.dataOffset;
  for (let run = 0; !canvas.complete; run += 1) {
    if (run % CHECK_EVERY_RUNS === 0) checkIsWanted();
    const count = stream.getUint8(at);
    const code = stream.getUint8(at + 1);
    at += 2;
    if (count > 0) {
      canvas.write(count, (index) => (packed ? nibble(code, index) : code));
    } else if (code === END_OF_LINE) {
      canvas.endLine();
    } else if (code === END_OF_BITMAP) {
      break;
    } else if (code === DELTA) {
      canvas.skip(stream.getUint8(at), stream.getUint8(at + 1));
      at += 2;
    } else {
      const start = at;
      canvas.write(code, (index) =>
        packed ? nibble(stream.getUint8(start + (index >> 1)), index) : stream.getUint8(start + index),
      );
      const length = packed ? (code + 1) >> 1 : code;
      at += length + (length % 2);
    }
  }
  return canvas.pixels;
}

function nibble(byte: number, index: number): number {
  return index % 2 === 0 ? byte >> 4 : byte & 15;
}

/** Where an RLE stream paints: a cursor that may stand behind the last pixel of its row. */
class RunCanvas {
  readonly pixels: Uint8Array;
  readonly #header: BmpHeader;
  #row = 0;
  #column = 0;

  constructor(header: BmpHeader) {
    this.#header = header;
    this.pixels = new Uint8Array(header.width * header.height * 3);
    paint(this.pixels, 0, header.palette, 0);
    for (let filled = 3; filled < this.pixels.length; filled *= 2) {
      this.pixels.copyWithin(filled, 0, filled);
    }
  }

  get complete(): boolean {
    const rowIsFull = this.#column >= this.#header.width;
    return this.#row >= this.#header.height - (rowIsFull ? 1 : 0);
  }

  write(count: number, colourAt: (index: number) => number): void {
    const { width, palette } = this.#header;
    if (this.#column >= width) this.endLine();
    if (this.#column + count > width) throw damaged('bmp');
    const start = (rowFromTop(this.#header, this.#row) * width + this.#column) * 3;
    for (let index = 0; index < count; index += 1) {
      paint(this.pixels, start + index * 3, palette, colourAt(index));
    }
    this.#column += count;
  }

  endLine(): void {
    this.#row += 1;
    this.#column = 0;
  }

  skip(columns: number, rows: number): void {
    const { width } = this.#header;
    const position = (this.#row + rows) * width + this.#column + columns;
    this.#row = Math.floor(position / width);
    this.#column = position % width;
  }
}
