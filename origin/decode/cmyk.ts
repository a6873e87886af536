import type { Samples } from './libvips.ts';

/**
 * Ink coverage (C, M, Y, K, 255 = full) to R, G, B without colour management, by the arithmetic that
 * `cv2.imread` meets: its own for JPEG, libtiff's for TIFF. They differ in rounding.
 */
export function inkToRgb({ data, width, height }: Samples, multiply: Multiply): Uint8Array {
  const rgb = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; to < rgb.length; from += 4, to += 3) {
    const light = 255 - (data[from + 3] ?? 0);
    rgb[to] = multiply(255 - (data[from] ?? 0), light);
    rgb[to + 1] = multiply(255 - (data[from + 1] ?? 0), light);
    rgb[to + 2] = multiply(255 - (data[from + 2] ?? 0), light);
  }
  return rgb;
}

/** Product of two numbers that stand for value / 255, as such a number again. */
export type Multiply = (value: number, light: number) => number;

/** OpenCV's CMYK2BGR: light - (255 - value) · light / 256. */
export const multiplyLikeOpenCv: Multiply = (value, light) => light - (((255 - value) * light) >> 8);

/** libtiff's TIFFReadRGBAImage. */
export const multiplyLikeLibtiff: Multiply = (value, light) => Math.floor((value * light) / 255);
