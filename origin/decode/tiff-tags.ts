import { damaged } from './errors.ts';

/**
 * BitsPerSample, StripOffsets, StripByteCounts, ColorMap, TileOffsets, TileByteCounts, ExtraSamples,
 * SampleFormat, JPEGTables. libtiff goes on without some of them whose values lie beyond the end of the file and gives
 * a wrong image; a private tag may lie where it likes.
 */
const INDISPENSABLE = new Set([258, 273, 279, 320, 324, 325, 338, 339, 347]);

/** Bytes of one value by field type: BYTE, ASCII, SHORT, LONG, RATIONAL and their signed and real kin. */
const TYPE_LENGTHS = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8];

const ENTRY_LENGTH = 12;

/**
 * @throws ServiceError `IMAGE_READ_ERROR` when the first directory of a TIFF, or the values of a tag that decides how
 *   its samples become pixels, are cut short
 */
export function refuseCutTiffTags(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    const littleEndian = view.getUint8(0) === 0x49;
    const directory = view.getUint32(4, littleEndian);
    const entries = view.getUint16(directory, littleEndian);
    for (let index = 0; index < entries; index += 1) {
      const { tag, end } = readEntry(view, directory + 2 + index * ENTRY_LENGTH, littleEndian);
      if (INDISPENSABLE.has(tag) && end > bytes.length) throw damaged('tiff');
    }
  } catch (error) {
    // DataView refuses every read past the end of the file.
    if (error instanceof RangeError) throw damaged('tiff', error);
    throw error;
  }
}

/** Where an entry's values end: in the entry itself where four bytes suffice. */
function readEntry(view: DataView, at: number, littleEndian: boolean) {
  const tag = view.getUint16(at, littleEndian);
  const valueLength = TYPE_LENGTHS[view.getUint16(at + 2, littleEndian)] ?? 1;
  const length = valueLength * view.getUint32(at + 4, littleEndian);
  const end = length <= 4 ? at + ENTRY_LENGTH : view.getUint32(at + 8, littleEndian) + length;
  return { tag, end };
}
