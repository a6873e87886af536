import { damaged, unsupportedKind } from './errors.ts';

/**
 * As many as libjpeg's own encoder program writes; pictures have 1 to about 12. Each scan of a progressive JPEG
 * goes over all coefficients, however few bytes it has: 2 MB can ask for 2,600 passes over 50 Mpx.
 */
const MAX_SCANS = 100;

/** @throws ServiceError `IMAGE_READ_ERROR` for a JPEG whose number of scans makes it a decompression bomb. */
export function refuseScanBomb(bytes: Uint8Array): void {
  const scans = countScans(bytes);
  if (scans > MAX_SCANS) throw unsupportedKind('jpeg', `with more than ${MAX_SCANS} scans`);
  if (scans === 0) throw damaged('jpeg');
}

/**
 * Counts as libjpeg reads (ITU-T T.81, B.1), so that no file can show it scans that are not counted: a segment is
 * passed over by its length, so what it contains is none; entropy-coded data and garbage end at the next marker;
 * nothing counts behind the end of the image, where phones append videos.
 */
function countScans(bytes: Uint8Array): number {
  let scans = 0;
  let at = nextMarker(bytes, 2);
  while (at < bytes.length && bytes[at] !== END_OF_IMAGE && scans <= MAX_SCANS) {
    if (bytes[at] === START_OF_SCAN) scans += 1;
    at = nextMarker(bytes, at + 1 + parameterLength(bytes, at));
  }
  return scans;
}

const [END_OF_IMAGE, START_OF_SCAN] = [0xd9, 0xda];

/** Where the code of the first marker at or behind `from` stands: not 0 (a stuffed byte), not 0xff (a fill byte). */
function nextMarker(bytes: Uint8Array, from: number): number {
  let at = from;
  while (at < bytes.length) {
    while (at < bytes.length && bytes[at] !== 0xff) at += 1;
    while (bytes[at] === 0xff) at += 1;
    if (bytes[at] !== 0) break;
  }
  return at;
}

/** Bytes between the code of a marker and what follows its segment; those below SOF0, RSTn and SOI have none. */
function parameterLength(bytes: Uint8Array, at: number): number {
  const marker = bytes[at] ?? 0;
  if (marker < 0xc0 || (marker >= 0xd0 && marker <= 0xd8)) return 0;
  return Math.max(2, ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0));
}
