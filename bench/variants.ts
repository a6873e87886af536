import { createHash } from 'node:crypto';
import type { Picture } from './pictures.ts';

/** One of the endless many files with the same pixels: decoders ignore what follows the image, hashes do not. */
export interface Variant {
  readonly picture: Picture;
  readonly number: number;
}

let lastVariant = 0;

/** Files that nobody has sent before. */
export function newVariants(picture: Picture, count: number): Variant[] {
  return Array.from({ length: count }, () => {
    lastVariant += 1;
    return { picture, number: lastVariant };
  });
}

/** The bytes that a variant has after those of its picture. */
export function variantTail(number: number): Uint8Array {
  const tail = new Uint8Array(8);
  new DataView(tail.buffer).setBigUint64(0, BigInt(number));
  return tail;
}

export function variantBytes({ picture, number }: Variant): Uint8Array {
  return Buffer.concat([picture.bytes, variantTail(number)]);
}

/** Lower-case hexadecimal SHA-256. */
export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
