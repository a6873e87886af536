import type { Features } from './payload.ts';

/** A keypoint as Lowe's, VLFeat's and COLMAP's programs describe it. */
export interface SiftFrame {
  /** Pixels; the centre of the upper-left pixel is (0,0). */
  x: number;
  y: number;
  /** Standard deviation σ of the Gaussian at which the keypoint was found, in pixels of the image. */
  scale: number;
  /** Radians, clockwise as seen on screen: [0, 2π]. */
  orientation: number;
}

/**
 * OpenCV's `size` is a diameter of 2σ: `adjustLocalExtrema` sets σ·2^(octave + layer/layers)·2, and the
 * descriptor is computed with half of it as its scale (OpenCV 4.6, sift.simd.hpp and sift.dispatch.cpp).
 */
export function siftFrame(
  { xy, size, angle }: Pick<Features, 'xy' | 'size' | 'angle'>,
  index: number,
): SiftFrame {
  return {
    x: xy[2 * index] ?? 0,
    y: xy[2 * index + 1] ?? 0,
    scale: (size[index] ?? 0) / 2,
    orientation: ((angle[index] ?? 0) * Math.PI) / 180,
  };
}
