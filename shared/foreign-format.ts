/** Formats that people send and that are not read here, by the bytes that they begin with. */
const SIGNATURES: readonly { name: string; at: number; text: string }[] = [
  { name: 'GIF', at: 0, text: 'GIF8' },
  { name: 'PDF', at: 0, text: '%PDF-' },
  { name: 'Photoshop (PSD)', at: 0, text: '8BPS' },
  { name: 'JPEG XL', at: 0, text: '\xff\x0a' },
  { name: 'JPEG XL', at: 4, text: 'JXL \r\n\x87\n' },
  { name: 'JPEG 2000', at: 4, text: 'jP  \r\n\x87\n' },
  { name: 'JPEG 2000', at: 0, text: '\xff\x4f\xff\x51' },
  { name: 'BigTIFF', at: 0, text: 'II\x2b\0' },
  { name: 'BigTIFF', at: 0, text: 'MM\0\x2b' },
];

/** ISO/IEC 14496-12, 4.3: the brand of a `ftyp` box distinguishes HEIC, AVIF and videos. */
const BRANDS = new Map([
  ['avif', 'AVIF'],
  ['avis', 'AVIF'],
  ['mif1', 'HEIF'],
  ['msf1', 'HEIF'],
  ...['heic', 'heix', 'hevc', 'hevx', 'heim', 'heis'].map((brand): [string, string] => [brand, 'HEIC']),
]);

/** So much of a text file can come before `<svg`. */
const SVG_WITHIN_BYTES = 1_000;

/** The name of the format that this file has, where it is a known one that is not supported. */
export function foreignFormatOf(bytes: Uint8Array): string | undefined {
  const head = latin1(bytes.subarray(0, SVG_WITHIN_BYTES));
  const known = SIGNATURES.find(({ at, text }) => head.startsWith(text, at));
  if (known) return known.name;
  if (head.startsWith('ftyp', 4)) return BRANDS.get(head.slice(8, 12)) ?? 'MP4';
  return /^(?:\xef\xbb\xbf)?\s*(?:<\?xml|<!|<svg)/i.test(head) && /<svg[\s>]/i.test(head) ? 'SVG' : undefined;
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
