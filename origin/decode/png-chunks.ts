import { crc32 } from 'node:zlib';
import { damaged } from './errors.ts';

/**
 * Walks over all chunks of a PNG. libvips stops at the last row, so it sees neither that the end of a file is missing
 * nor EXIF data behind the pixels; cv2 sees both.
 *
 * @returns the TIFF structure of the first eXIf chunk whose checksum is right, if there is one
 * @throws ServiceError `IMAGE_READ_ERROR` for a PNG that does not end with a whole IEND chunk
 */
export function exifOfPng(bytes: Uint8Array): Uint8Array | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let exif: Uint8Array | undefined;
  let chunk = SIGNATURE_LENGTH;
  while (chunk + EMPTY_CHUNK_LENGTH <= bytes.length) {
    const length = view.getUint32(chunk);
    const type = view.getUint32(chunk + 4);
    if (type === IEND) {
      if (length === 0 && view.getUint32(chunk + 8) === CHECKSUM_OF_IEND) return exif;
      break;
    }
    const end = chunk + EMPTY_CHUNK_LENGTH + length;
    if (type === EXIF && !exif && end <= bytes.length) {
      const typeAndData = bytes.subarray(chunk + 4, end - 4);
      if (crc32(typeAndData) === view.getUint32(end - 4)) exif = typeAndData.subarray(4);
    }
    chunk = end;
  }
  throw damaged('png');
}

// W3C PNG, 5.2, 5.3, 11.2.5 and 11.3.6.2; a chunk is its length, type, data and checksum.
const SIGNATURE_LENGTH = 8;
const EMPTY_CHUNK_LENGTH = 12;
const IEND = 0x49454e44;
const EXIF = 0x65584966;
const CHECKSUM_OF_IEND = 0xae426082;
