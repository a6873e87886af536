import { damaged, unsupportedKind } from './errors.ts';

/**
 * As many as libjpeg's own encoder program writes; pictures have 1 to about 12. Each scan of a progressive JPEG
 * goes over all coefficients, however few bytes it has: 2 MB can ask for 2,600 passes over 50 Mpx.
 */
const MAX_SCANS = 100;

/** @throws ServiceError `IMAGE_READ_ERROR` for a JPEG whose number of scans makes it a decompression bomb. */
export function refuseScanBomb(bytes: Uint8Array): void {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // In entropy-coded data 0xff is followed by 0x00 or a restart marker, so this finds scans (SOS) and, rarely,
  // those of an embedded thumbnail.
  let scans = 0;
  for (let at = file.indexOf(START_OF_SCAN); at >= 0; at = file.indexOf(START_OF_SCAN, at + 2)) {
    scans += 1;
    if (scans > MAX_SCANS) throw unsupportedKind('jpeg', `with more than ${MAX_SCANS} scans`);
  }
  if (scans === 0) throw damaged('jpeg');
}

const START_OF_SCAN = Buffer.from([0xff, 0xda]);
