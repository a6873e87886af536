/** The tags of a TIFF's first directory that decide how its samples become pixels (TIFF 6.0, section 8). */
export interface TiffTags {
  bitsPerSample: number;
  compression: number;
  photometric: number;
  samplesPerPixel: number;
  /** Meaning of the first sample beyond the colours: 0 unspecified, 1 associated, 2 unassociated alpha. */
  extraSample: number;
  /** 1 unsigned, 2 signed, 3 floating point, 4 undefined. */
  sampleFormat: number;
}

const TAGS = new Map<number, keyof TiffTags>([
  [258, 'bitsPerSample'],
  [259, 'compression'],
  [262, 'photometric'],
  [277, 'samplesPerPixel'],
  [338, 'extraSample'],
  [339, 'sampleFormat'],
]);

/**
 * BitsPerSample, StripOffsets, StripByteCounts, ColorMap, TileOffsets, TileByteCounts, ExtraSamples,
 * SampleFormat, JPEGTables. libtiff goes on without one whose values lie beyond the end of the file and gives a
 * wrong picture; a private tag may lie where it likes.
 */
const INDISPENSABLE = new Set([258, 273, 279, 320, 324, 325, 338, 339, 347]);

/** Bytes of one value by field type: BYTE, ASCII, SHORT, LONG, RATIONAL and their signed and real kin. */
const TYPE_LENGTHS = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8];

/** Absent tags take TIFF's defaults; `undefined` when the directory or the values of such a tag are cut short. */
export function readTiffTags(bytes: Uint8Array): TiffTags | undefined {
  const tags: TiffTags = {
    bitsPerSample: 1,
    compression: 1,
    photometric: -1,
    samplesPerPixel: 1,
    extraSample: 0,
    sampleFormat: 1,
  };
  try {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const littleEndian = view.getUint8(0) === 0x49;
    const directory = view.getUint32(4, littleEndian);
    const entries = view.getUint16(directory, littleEndian);
    for (let index = 0; index < entries; index += 1) {
      const entry = readEntry(view, directory + 2 + index * 12, littleEndian);
      if (INDISPENSABLE.has(entry.tag) && entry.end > bytes.length) return undefined;
      const name = TAGS.get(entry.tag);
      if (name) tags[name] = view.getUint16(entry.start, littleEndian);
    }
  } catch (error) {
    // DataView refuses every read past the end of the file.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
  return tags.photometric < 0 ? undefined : tags;
}

/** Where an entry's values stand: in the entry itself where four bytes suffice. */
function readEntry(view: DataView, at: number, littleEndian: boolean) {
  const tag = view.getUint16(at, littleEndian);
  const valueLength = TYPE_LENGTHS[view.getUint16(at + 2, littleEndian)] ?? 1;
  const length = valueLength * view.getUint32(at + 4, littleEndian);
  const start = length <= 4 ? at + 8 : view.getUint32(at + 8, littleEndian);
  return { tag, start, end: start + length };
}
