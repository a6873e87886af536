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
const RESPONSE_BYTES_PER_KEYPOINT = 400;

/** Bytes that matching takes at its peak, for a body of two feature payloads. */
export function matchingBytes(bodyBytes: number): number {
  const perKeypoint = MATCHING_BYTES_PER_KEYPOINT + RESPONSE_BYTES_PER_KEYPOINT;
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
const IMAGE = 3 + 1;
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
  return width * height * ((16 * levels * 4) / 3 + IMAGE + OPENCV_KEYPOINTS);
}

/** Working copy and result in the engine, which grow by doubling, the addon's copy, and the payload. */
const EDGESIFT_KEYPOINT = 700;

/**
 * Our engine keeps whole only the first levels of the second and third octave, each row with a margin on either side. Of
 * all others it keeps some rows of a band of columns, of n + 2 levels: at most all rows and columns of the doubled
 * image, and far fewer in large ones. Above what `Extractor::workingBytes` says for n = 1 to 8, sigma = 0.5 to 10 and
 * images of 16×1,000,000 to 7000×7000 pixels.
 * The rest is keypoints. White noise has at most one per 100 pixels from sigma = 1.6 on and one per 1.8 pixels below
 * it, where a first level is hardly blurred; for the former OpenCV's one per 21 is taken, and never more than the
 * engine goes on with. `nfeatures` chooses among them in the end and saves nothing.
 */
function edgesiftBytes({ width, height }: ImageSize, { n_octave_layers, sigma }: SiftParameters): number {
  const margins = 2 * (widestFilter(n_octave_layers, sigma) + 36) + 48;
  // EXIF may exchange columns and rows.
  const rows = Math.max(width, height);
  const wholeLevels = 4 * (width * height * 1.25 + rows * margins * 1.5);
  const levels = n_octave_layers + 2;
  const everyRow = 4 * levels * (2 * width + margins) * (2 * height + margins);
  const largestBands = 1e6 + 2e5 * levels * (sigma + 1.5) ** 2;
  const keypointsPerPixel = sigma < 1.6 ? 0.6 : 1 / 21;
  const keypoints = Math.min(width * height * keypointsPerPixel, MAX_KEYPOINTS);
  const scaleSpace = wholeLevels + Math.min(everyRow, largestBands);
  return scaleSpace + width * height * IMAGE + keypoints * EDGESIFT_KEYPOINT;
}

/** Half the length of the last level's filter, four deviations of the blur between it and the level before. */
function widestFilter(layers: number, sigma: number): number {
  const before = sigma * 2 ** ((layers + 1) / layers);
  return 4 * Math.max(before * Math.sqrt(2 ** (2 / layers) - 1), sigma) + 1;
}

/** Per pixel: the image as R, G, B, as B, G, R and as Lab, each before and after, and its planes with borders. */
const DENOISING_BYTES_PER_PIXEL = 32;
const DENOISING_TILE_BYTES = 16e6;

/**
 * Bytes that denoising takes at its peak, before the extraction; 0 without. OpenCV, which gets a tile of at most 40,000 pixels at a
 * time, keeps a sum of four bytes for each of its columns and each place in the search window: less than 8 MB.
 */
export function denoisingBytes(
  { width, height }: ImageSize,
  fileBytes: number,
  { denoising }: SiftParameters,
): number {
  if (!denoising) return 0;
  return fileBytes + width * height * DENOISING_BYTES_PER_PIXEL + DENOISING_TILE_BYTES;
}
