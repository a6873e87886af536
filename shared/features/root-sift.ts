import { DESCRIPTOR_LENGTH } from './descriptor.ts';

/**
 * RootSIFT: each descriptor divided by its sum, then the square root of each element, so that the Euclidean
 * distance compares as the Hellinger kernel does (Arandjelović and Zisserman, CVPR 2012, section 3).
 *
 * @param descriptors U8[N,128]
 * @returns F32[N,128], rows of unit length; a row of zeros stays zero
 */
export function rootSift(descriptors: Uint8Array): Float32Array {
  const result = new Float32Array(descriptors.length);
  for (let row = 0; row < descriptors.length; row += DESCRIPTOR_LENGTH) {
    let sum = 0;
    for (let index = row; index < row + DESCRIPTOR_LENGTH; index += 1) sum += descriptors[index] ?? 0;
    if (sum === 0) continue;
    for (let index = row; index < row + DESCRIPTOR_LENGTH; index += 1) {
      result[index] = Math.sqrt((descriptors[index] ?? 0) / sum);
    }
  }
  return result;
}
