import { deflateSync, zstdCompressSync } from 'node:zlib';

/** A TIFF to be written: what its pixels are, and how they are stored. */
export interface TiffPlan {
  width: number;
  height: number;
  /** Samples of 0 to 2^bits - 1, pixel after pixel. */
  samples: ArrayLike<number>;
  samplesPerPixel: number;
  bits: 1 | 2 | 4 | 8 | 16;
  photometric: number;
  /** ExtraSamples: meanings of those beyond the colours. */
  extraSamples?: number[];
  /** ColorMap: all reds, greens and blues of 16 bits. */
  colourMap?: number[];
  planar?: boolean;
  /** Side of square tiles; strips of `rowsPerStrip` without. */
  tile?: number;
  rowsPerStrip?: number;
  compression?: TiffCompression;
  /** JPEG files of the strips or tiles, for that compression; see {@link blocksOf}. */
  jpegs?: Uint8Array[];
  /** Horizontal differencing, of 8 or 16 bits. */
  predictor?: boolean;
  bigEndian?: boolean;
  orientation?: number;
  /** Changes the offsets and lengths of the strips or tiles before they are written. */
  damage?: (parts: TiffPart[]) => void;
  /** Offset of a next page that does not exist. */
  nextPage?: number;
  /** A second entry of a tag, behind the first. */
  secondTag?: { tag: number; value: number };
}

export interface TiffPart {
  offset: number;
  length: number;
}

export type TiffCompression = 'none' | 'lzw' | 'deflate' | 'jpeg' | 'packbits' | 'zstd';
const COMPRESSION_CODES: Record<TiffCompression, number> = {
  none: 1,
  lzw: 5,
  deflate: 8,
  jpeg: 7,
  packbits: 32773,
  zstd: 50000,
};

const [SHORT, LONG] = [3, 4];

/** Written by TIFF 6.0, by other code than what reads it. */
export function writeTiff(plan: TiffPlan): Uint8Array {
  const { bigEndian = false, compression = 'none' } = plan;
  const blocks =
    compression === 'jpeg'
      ? (plan.jpegs ?? []).map((file) => Buffer.from(file))
      : blocksOf(plan).map((block) => compress(packRows(plan, block), compression));
  const parts: TiffPart[] = [];
  let offset = 8;
  for (const block of blocks) {
    parts.push({ offset, length: block.length });
    offset += block.length + (block.length % 2);
  }
  plan.damage?.(parts);
  const directory = new Directory(offset, bigEndian, plan.nextPage ?? 0);
  const { width, height, samplesPerPixel, bits, extraSamples, colourMap, tile } = plan;
  directory.add(256, LONG, [width]);
  directory.add(257, LONG, [height]);
  if (plan.secondTag) directory.add(plan.secondTag.tag, LONG, [plan.secondTag.value]);
  directory.add(258, SHORT, new Array(samplesPerPixel).fill(bits));
  directory.add(259, SHORT, [COMPRESSION_CODES[compression]]);
  directory.add(262, SHORT, [plan.photometric]);
  directory.add(274, SHORT, [plan.orientation ?? 1]);
  directory.add(277, SHORT, [samplesPerPixel]);
  directory.add(284, SHORT, [plan.planar ? 2 : 1]);
  if (plan.predictor) directory.add(317, SHORT, [2]);
  if (colourMap) directory.add(320, SHORT, colourMap);
  if (extraSamples) directory.add(338, SHORT, extraSamples);
  const offsets = parts.map((part) => part.offset);
  const lengths = parts.map((part) => part.length);
  if (tile) {
    directory.add(322, SHORT, [tile]);
    directory.add(323, SHORT, [tile]);
    directory.add(324, LONG, offsets);
    directory.add(325, LONG, lengths);
  } else {
    directory.add(273, LONG, offsets);
    directory.add(278, LONG, [plan.rowsPerStrip ?? height]);
    directory.add(279, LONG, lengths);
  }
  const file = Buffer.concat([
    header(offset, bigEndian),
    ...blocks.flatMap((block) => [block, Buffer.alloc(block.length % 2)]),
    directory.bytes(),
  ]);
  return new Uint8Array(file);
}

function header(directory: number, bigEndian: boolean): Buffer {
  const bytes = Buffer.from(bigEndian ? 'MM\0*\0\0\0\0' : 'II*\0\0\0\0\0', 'latin1');
  if (bigEndian) bytes.writeUInt32BE(directory, 4);
  else bytes.writeUInt32LE(directory, 4);
  return bytes;
}

class Directory {
  readonly #entries: { tag: number; type: number; values: number[] }[] = [];
  readonly #offset: number;
  readonly #bigEndian: boolean;
  readonly #next: number;

  constructor(offset: number, bigEndian: boolean, next: number) {
    this.#offset = offset;
    this.#bigEndian = bigEndian;
    this.#next = next;
  }

  add(tag: number, type: number, values: number[]): void {
    this.#entries.push({ tag, type, values });
  }

  bytes(): Buffer {
    const entries = this.#entries.toSorted((one, other) => one.tag - other.tag);
    const fixedLength = 2 + entries.length * 12 + 4;
    const extra: Buffer[] = [];
    let extraOffset = this.#offset + fixedLength;
    const fixed = [this.#number(entries.length, SHORT)];
    for (const { tag, type, values } of entries) {
      const data = Buffer.concat(values.map((value) => this.#number(value, type)));
      fixed.push(this.#number(tag, SHORT), this.#number(type, SHORT), this.#number(values.length, LONG));
      if (data.length <= 4) {
        fixed.push(data, Buffer.alloc(4 - data.length));
      } else {
        fixed.push(this.#number(extraOffset, LONG));
        extra.push(data, Buffer.alloc(data.length % 2));
        extraOffset += data.length + (data.length % 2);
      }
    }
    return Buffer.concat([...fixed, this.#number(this.#next, LONG), ...extra]);
  }

  #number(value: number, type: number): Buffer {
    const bytes = Buffer.alloc(type === SHORT ? 2 : 4);
    if (this.#bigEndian) bytes.writeUIntBE(value, 0, bytes.length);
    else bytes.writeUIntLE(value, 0, bytes.length);
    return bytes;
  }
}

/** A rectangle of samples, row by row; those of a tile beyond the image are 0. */
export interface Block {
  columns: number;
  rows: number;
  perPixel: number;
  sample: (row: number, column: number, index: number) => number;
}

/** Strips or tiles, of all planes, in the order of their numbers. */
export function blocksOf({
  width,
  height,
  samples,
  samplesPerPixel,
  planar,
  tile,
  rowsPerStrip = height,
}: TiffPlan): Block[] {
  const planes = planar ? Array.from({ length: samplesPerPixel }, (_, plane) => plane) : [0];
  const columns = tile ?? width;
  const rows = tile ?? rowsPerStrip;
  const blocks: Block[] = [];
  for (const plane of planes) {
    for (let top = 0; top < height; top += rows) {
      for (let left = 0; left < width; left += columns) {
        blocks.push({
          columns,
          rows: tile ? tile : Math.min(rows, height - top),
          perPixel: planar ? 1 : samplesPerPixel,
          sample: (row, column, index) => {
            const [y, x] = [top + row, left + column];
            if (y >= height || x >= width) return 0;
            return samples[(y * width + x) * samplesPerPixel + plane + index] ?? 0;
          },
        });
      }
    }
  }
  return blocks;
}

function packRows({ bits, predictor, bigEndian }: TiffPlan, block: Block): Buffer {
  const rowSamples = block.columns * block.perPixel;
  const rowBytes = Math.ceil((rowSamples * bits) / 8);
  const packed = Buffer.alloc(rowBytes * block.rows);
  for (let row = 0; row < block.rows; row += 1) {
    const values = Array.from({ length: rowSamples }, (_, index) =>
      block.sample(row, Math.floor(index / block.perPixel), index % block.perPixel),
    );
    const stored = predictor
      ? values.map((value, index) => (value - (values[index - block.perPixel] ?? 0)) & (2 ** bits - 1))
      : values;
    stored.forEach((value, index) => {
      const at = row * rowBytes + Math.floor((index * bits) / 8);
      if (bits === 16 && bigEndian) packed.writeUInt16BE(value, at);
      else if (bits === 16) packed.writeUInt16LE(value, at);
      else packed[at] = (packed[at] ?? 0) | (value << (8 - bits - ((index * bits) % 8)));
    });
  }
  return packed;
}

function compress(bytes: Buffer, compression: Exclude<TiffCompression, 'jpeg'>): Buffer {
  switch (compression) {
    case 'none':
      return bytes;
    case 'deflate':
      return deflateSync(bytes);
    case 'zstd':
      return zstdCompressSync(bytes);
    case 'packbits':
      return packBits(bytes);
    case 'lzw':
      return lzw(bytes);
  }
}

/** Literal runs alone. */
function packBits(bytes: Buffer): Buffer {
  const runs: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 128) {
    const run = bytes.subarray(at, at + 128);
    runs.push(Buffer.from([run.length - 1]), run);
  }
  return Buffer.concat(runs);
}

/** Literal codes of nine bits alone: the table is cleared before it needs more. */
function lzw(bytes: Buffer): Buffer {
  const codes: number[] = [];
  bytes.forEach((byte, index) => {
    if (index % 200 === 0) codes.push(256);
    codes.push(byte);
  });
  codes.push(257);
  const packed = Buffer.alloc(Math.ceil((codes.length * 9) / 8));
  codes.forEach((code, index) => {
    for (let bit = 0; bit < 9; bit += 1) {
      const place = index * 9 + bit;
      if (code & (1 << (8 - bit))) packed[place >> 3] = (packed[place >> 3] ?? 0) | (0x80 >> (place & 7));
    }
  });
  return packed;
}
