import type { SiftParameters } from '../../shared/contract/parameters.ts';

/** Decoded colours, their grey image, and keypoints where there are very many (one per 21 pixels was seen). */
const BESIDE_THE_PYRAMID = 3 + 1 + 12;

/** Of a payload, per keypoint: coordinates and descriptor with what else it has. */
const PAYLOAD_BYTES_PER_KEYPOINT = 152;
/** Descriptors as floats, and the nearest neighbours: 128·4 + 4·4. */
const MATCHING_BYTES_PER_KEYPOINT = 528;
/** Pairs as arrays, then as text; at most half of the keypoints are in one. */
const ANSWER_BYTES_PER_KEYPOINT = 400;

/** Bytes that matching takes at its peak, for a body of two feature payloads. */
export function matchingBytes(bodyBytes: number): number {
  const perKeypoint = MATCHING_BYTES_PER_KEYPOINT + ANSWER_BYTES_PER_KEYPOINT;
  return Math.ceil(bodyBytes * (1 + perKeypoint / PAYLOAD_BYTES_PER_KEYPOINT));
}

/**
 * Bytes that an extraction takes at its peak.
 *
 * OpenCV doubles the image before anything else, so its first octave has 4 floats = 16 bytes per source pixel and
 * level. With n = `n_octave_layers` an octave has n + 3 Gaussian and n + 2 difference levels (Lowe 2004, section
 * 3), all kept at once, and every further octave has a quarter of the pixels of the one before: 16·(2n + 5)·4/3 bytes
 * per pixel. Measured peaks of OpenCV 4.6 lie 0 to 8 % below (n = 1, 3, 5, 8). Decoding is over by then and takes
 * less.
 *
 * @param pixels width × height of the image
 * @param fileBytes length of the image file, which is held meanwhile
 */
export function extractionBytes(pixels: number, fileBytes: number, parameters: SiftParameters): number {
  const levels = 2 * parameters.n_octave_layers + 5;
  return Math.ceil(fileBytes + pixels * ((16 * levels * 4) / 3 + BESIDE_THE_PYRAMID));
}

/** Per pixel: the image as R, G, B, as B, G, R and as Lab, each before and after, and its planes with borders. */
const DENOISING_BYTES_PER_PIXEL = 32;

/**
 * Bytes that denoising takes at its peak, before the extraction; 0 without. OpenCV keeps a sum of four bytes for each
 * column and each place in the search window.
 */
export function denoisingBytes(
  { width, height }: { width: number; height: number },
  fileBytes: number,
  { denoising }: SiftParameters,
): number {
  if (!denoising) return 0;
  // EXIF may exchange columns and rows.
  const columnSums = 4 * denoising.search_window_size ** 2 * Math.max(width, height);
  return fileBytes + width * height * DENOISING_BYTES_PER_PIXEL + columnSums;
}
