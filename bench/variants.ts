import { createHash } from 'node:crypto';
import type { Image } from './images.ts';

/** One of the endless many files with the same pixels: decoders ignore what follows the image, hashes do not. */
export interface Variant {
  readonly image: Image;
  readonly number: number;
}

let lastVariant = 0;

/** Files that nobody has sent before. */
export function newVariants(image: Image, count: number): Variant[] {
  return Array.from({ length: count }, () => {
    lastVariant += 1;
    return { image, number: lastVariant };
  });
}

/** The bytes that a variant has after those of its image. */
export function variantTail(number: number): Uint8Array {
  const tail = new Uint8Array(8);
  new DataView(tail.buffer).setBigUint64(0, BigInt(number));
  return tail;
}

export function variantBytes({ image, number }: Variant): Uint8Array {
  return Buffer.concat([image.bytes, variantTail(number)]);
}

/** Lower-case hexadecimal SHA-256. */
export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function variantImage(variant: Variant): Image {
  return { ...variant.image, bytes: variantBytes(variant) };
}
