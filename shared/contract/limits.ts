/** 10 MiB: the largest image file accepted, unless configured otherwise. */
export const DEFAULT_MAX_IMAGE_BYTES = 10 * 1024 * 1024;

/** 50 megapixels: the largest decoded image accepted, unless configured otherwise. */
export const DEFAULT_MAX_IMAGE_PIXELS = 50_000_000;

export interface ImageLimits {
  /** Largest file, in bytes. */
  maxBytes: number;
  /** Largest width × height after decoding. */
  maxPixels: number;
}
