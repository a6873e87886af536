import { sha256Hex } from '../shared/sha256.ts';

/** The bytes of an image file, in any of the forms in which platforms hand them over. */
export type ImageFile = Blob | Uint8Array | ArrayBuffer;

/** A file, or the lower-case hexadecimal SHA-256 of one whose features are cached. */
export type ImageReference = ImageFile | string;

const SHA256 = /^[0-9a-f]{64}$/i;

/** @throws TypeError for text that is no SHA-256: it is probably a path or an address, which no platform-free code can read */
export function checkedHash(text: string): string {
  if (SHA256.test(text)) return text.toLowerCase();
  throw new TypeError(
    'An image must be given as a Blob, as bytes, or by its SHA-256 in 64 hexadecimal digits.',
  );
}

export async function bytesOf(image: ImageFile): Promise<Uint8Array<ArrayBuffer>> {
  if (image instanceof Blob) return new Uint8Array(await image.arrayBuffer());
  if (image instanceof ArrayBuffer) return new Uint8Array(image);
  return image.buffer instanceof ArrayBuffer
    ? new Uint8Array(image.buffer, image.byteOffset, image.byteLength)
    : new Uint8Array(image);
}

/**
 * The hash by which the service names an image; undefined where the platform has no Web Crypto, as on web pages that
 * did not come over HTTPS.
 */
export async function hashOf(bytes: Uint8Array<ArrayBuffer>): Promise<string | undefined> {
  return globalThis.crypto?.subtle === undefined ? undefined : await sha256Hex(bytes);
}
