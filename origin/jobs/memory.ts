import { MAX_KEYPOINTS } from '../../shared/contract/limits.ts';
import type { SiftParameters } from '../../shared/contract/parameters.ts';
import type { SiftEngine } from '../native/addon.ts';

export interface ImageSize {
  /** Pixels. */
  width: number;
  height: number;
}

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
 * @param fileBytes length of the image file, which is held meanwhile
 */
export function extractionBytes(
  engine: SiftEngine,
  size: ImageSize,
  fileBytes: number,
  parameters: SiftParameters,
): number {
  return Math.ceil(fileBytes + ESTIMATES[engine](size, parameters));
}

const ESTIMATES = { opencv: openCvBytes, edgesift: edgesiftBytes };

/** Decoded colours and their grey image, per pixel. */
const PICTURE = 3 + 1;
/** Keypoints where there are very many, per pixel (one per 21 pixels was seen). */
const OPENCV_KEYPOINTS = 12;

/**
 * OpenCV doubles the image before anything else, so its first octave has 4 floats = 16 bytes per source pixel and
 * level. With n = `n_octave_layers` an octave has n + 3 Gaussian and n + 2 difference levels (Lowe 2004, section
 * 3), all kept at once, and every further octave has a quarter of the pixels of the one before: 16·(2n + 5)·4/3 bytes
 * per pixel. Measured peaks of OpenCV 4.6 lie 0 to 8 % below (n = 1, 3, 5, 8). Decoding is over by then and takes
 * less.
 */
function openCvBytes({ width, height }: ImageSize, { n_octave_layers }: SiftParameters): number {
  const levels = 2 * n_octave_layers + 5;
  return width * height * ((16 * levels * 4) / 3 + PICTURE + OPENCV_KEYPOINTS);
}

/** Working copy and result in the engine, which grow by doubling, the addon's copy, and the payload. */
const EDGESIFT_KEYPOINT = 700;

/**
 * Our engine keeps whole only the first levels of the second and third octave, 4 + 1 bytes per source pixel. Of all
 * others it keeps some rows of a band of columns, of n + 2 levels and with margins: far fewer than
 * 1300·(n + 2)·(sigma + 1.5) bytes per row and column of the picture, above what `Extractor::workingBytes` says for
 * n = 1 to 8, sigma = 0.5 to 10 and 100² pixels to 50 Mpx.
 * The rest is keypoints. White noise has at most one per 100 pixels from sigma = 1.6 on and one per 1.8 pixels below
 * it, where a first level is hardly blurred; for the former OpenCV's one per 21 is taken, and never more than the
 * engine goes on with. `nfeatures` chooses among them in the end and saves nothing.
 */
function edgesiftBytes({ width, height }: ImageSize, { n_octave_layers, sigma }: SiftParameters): number {
  const rows = (width + height) * 1300 * (n_octave_layers + 2) * (sigma + 1.5);
  const keypointsPerPixel = sigma < 1.6 ? 0.6 : 1 / 21;
  const keypoints = Math.min(width * height * keypointsPerPixel, MAX_KEYPOINTS);
  return rows + width * height * (5 + PICTURE) + keypoints * EDGESIFT_KEYPOINT;
}

/** Per pixel: the image as R, G, B, as B, G, R and as Lab, each before and after, and its planes with borders. */
const DENOISING_BYTES_PER_PIXEL = 32;

/**
 * Bytes that denoising takes at its peak, before the extraction; 0 without. OpenCV keeps a sum of four bytes for each
 * column and each place in the search window.
 */
export function denoisingBytes(
  { width, height }: ImageSize,
  fileBytes: number,
  { denoising }: SiftParameters,
): number {
  if (!denoising) return 0;
  // EXIF may exchange columns and rows.
  const columnSums = 4 * denoising.search_window_size ** 2 * Math.max(width, height);
  return fileBytes + width * height * DENOISING_BYTES_PER_PIXEL + columnSums;
}
