import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Denoising, SiftParameters } from '../../shared/contract/parameters.ts';

/** 8-bit pixels: rows top-down, tightly packed; three channels in the order R, G, B, or one grey channel. */
export interface PixelImage {
  pixels: Uint8Array;
  width: number;
  height: number;
  channels: 1 | 3;
}

/** `edgesift`: our own (docs/engine.md), the same bytes on every machine. `opencv`: `cv::SIFT`, value for value. */
export const SIFT_ENGINES = ['edgesift', 'opencv'] as const;
export type SiftEngine = (typeof SIFT_ENGINES)[number];

/** How an image file is to be decoded; see `DecodeOptions`. */
export interface DecodeRequest {
  /** Columns and rows as stored, from the header. */
  width: number;
  height: number;
  /** 1: OpenCV's grey of the colours; 3: R, G, B. */
  channels: 1 | 3;
  applyOrientation: boolean;
}

/**
 * Decoders block the calling thread.
 *
 * @throws RangeError with the code `DAMAGED_IMAGE`, also for a file of another size than requested, whose message is
 *   for the log, or `UNSUPPORTED_IMAGE`, whose message completes "JPEG images … are not supported" or the same of TIFF,
 *   or `CANCELLED`, see {@link NativeAddon.extract}
 */
export interface ImageDecoders {
  /** A JPEG file by libjpeg-turbo. */
  decodeJpeg(bytes: Uint8Array, request: DecodeRequest, cancelled?: Int32Array): PixelImage;

  /** The first page of a TIFF file by libtiff. */
  decodeTiff(bytes: Uint8Array, request: DecodeRequest, cancelled?: Int32Array): PixelImage;

  /** Orientation, 1 to 8, in EXIF data, which begins with its byte order `II` or `MM`; 1 where it says none. */
  exifOrientation(tiff: Uint8Array): number;

  /** The upright image of one that is stored in this EXIF orientation, 1 to 8. */
  orient(image: PixelImage, orientation: number): PixelImage;
}

/** The addon with one of its engines. */
export interface NativeAddon extends ImageDecoders {
  /**
   * What computes the features. `version` changes whenever a bit of a result may change: of ours a number, of
   * OpenCV's SIFT the library's version and the instruction set it runs with, such as `4.6.0-avx512`.
   */
  engine: { name: string; version: string };

  /**
   * SIFT features of the grey image. Blocks the calling thread; may run on several threads at once.
   *
   * Returns N features in `BYTES_PER_KEYPOINT`·N bytes, little-endian, one tensor after the other: `xy` F32[N,2] in pixels (the
   * centre of the upper-left pixel is (0, 0)), `size` F32[N] (diameter in pixels), `angle` F32[N] (degrees),
   * `response` F32[N], `octave` I32[N] (OpenCV's packed value), `descriptors` U8[N,128]. Order: response
   * descending, then y, x, size, angle, octave ascending.
   *
   * Does not denoise, even if the parameters say so: see {@link denoise}.
   *
   * @param mostKeypoints the most that the caller takes; any number where it is not given
   * @param cancelled another thread sets its first element to other than 0 to end the work: within milliseconds, with
   *   OpenCV's engine only before it begins
   * @throws TypeError or RangeError for arguments that are no image or no SIFT parameters, RangeError with the code
   *   `TOO_MANY_KEYPOINTS` for more of them, or with our engine for more than twice as many to select from by
   *   `nfeatures`, `TOO_MUCH_WORK` for what would take our engine longer than any image may, and `CANCELLED`; Error
   *   when the computation fails, for example for lack of memory.
   */
  extract(
    image: PixelImage,
    parameters: SiftParameters,
    mostKeypoints?: number,
    cancelled?: Int32Array,
  ): ArrayBuffer;

  /**
   * Non-local means: `cv::fastNlMeansDenoisingColored`, value for value; a grey image as the colour image that
   * `cv2.imread` makes of it. Blocks, for seconds per megapixel. Errors and `cancelled` as of {@link extract}.
   *
   * @returns width·height pixels in the order R, G, B
   */
  denoise(image: PixelImage, denoising: Denoising, cancelled?: Int32Array): Uint8Array<ArrayBuffer>;

  /**
   * Mutual nearest neighbours of two sets of SIFT descriptors, U8[N,128], that in both directions are nearer than
   * `ratio` times the second nearest.
   *
   * @returns U32[M,3], by ascending first column: row in `first`, row in `second`, squared Euclidean distance
   */
  matchDescriptors(first: Uint8Array, second: Uint8Array, ratio: number, cancelled?: Int32Array): Uint32Array;

  /**
   * The geometry that most of the point pairs agree on (USAC with MAGSAC++ scoring, always the same for the same
   * points), or null.
   *
   * @param first F32[M,2], x and y in pixels; `second` the points that belong to them
   * @param threshold greatest error of a pair in agreement, in pixels
   * @returns `matrix` F64[3,3], row-major, and the `errors` F64[M] of all pairs in pixels. A homography maps first to
   *   second, its last element is 1, the error is the distance from the mapped point; it keeps left and right, a
   *   reflection exchanges them, and is found where some third of the pairs agree. A fundamental matrix F, of norm 1,
   *   has x2ᵀ F x1 = 0; the error is the root of the Sampson distance.
   */
  estimateGeometry(
    first: Float32Array,
    second: Float32Array,
    model: 'homography' | 'reflection' | 'fundamental',
    threshold: number,
    cancelled?: Int32Array,
  ): { matrix: Float64Array; errors: Float64Array } | null;

  /** The grey image that {@link extract} works on, OpenCV's BGR2GRAY: width·height bytes. */
  toGrey(image: PixelImage): Uint8Array<ArrayBuffer>;
}

const BUILD_COMMAND =
  'cmake -S origin/native -B build/native -DCMAKE_BUILD_TYPE=Release && cmake --build build/native';

/** Where the addon is built. */
export const ADDON_PATH = fileURLToPath(new URL('../../build/native/edgesift.node', import.meta.url));

/**
 * Loads the compiled addon; any number of engines may be in use at once.
 *
 * @throws Error that names the file, the reason and the command that builds it.
 */
export function loadNativeAddon(engine: SiftEngine = 'edgesift', path: string = ADDON_PATH): NativeAddon {
  try {
    const addon: Record<SiftEngine, NativeAddon> = createRequire(import.meta.url)(path);
    return addon[engine];
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `The native SIFT addon could not be loaded.\n  file: ${path}\n  reason: ${reason}\n` +
        `  to build it, run in the project's folder: ${BUILD_COMMAND}`,
      { cause },
    );
  }
}
