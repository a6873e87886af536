import { damaged } from './errors.ts';

/**
 * libvips stops at the last row, so it does not miss the end of a file that was cut short behind its pixels; cv2 does.
 *
 * @throws ServiceError `IMAGE_READ_ERROR` for a PNG that does not end with a whole IEND chunk
 */
export function refuseWithoutEnd(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let chunk = SIGNATURE_LENGTH;
  while (chunk + EMPTY_CHUNK_LENGTH <= bytes.length) {
    const length = view.getUint32(chunk);
    if (view.getUint32(chunk + 4) === IEND) {
      if (length === 0 && view.getUint32(chunk + 8) === CHECKSUM_OF_IEND) return;
      break;
    }
    chunk += EMPTY_CHUNK_LENGTH + length;
  }
  throw damaged('png');
}

// W3C PNG, 5.2, 5.3 and 11.2.5; a chunk is its length, type, data and checksum.
const SIGNATURE_LENGTH = 8;
const EMPTY_CHUNK_LENGTH = 12;
const IEND = 0x49454e44;
const CHECKSUM_OF_IEND = 0xae426082;
