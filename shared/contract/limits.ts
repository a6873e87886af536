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

/**
 * The most keypoints in one result, 76 MB: what an edge isolate of 128 MB can still hand on. Natural images of 50
 * megapixels stay below it; noise at `contrast_threshold` 0 does not.
 */
export const MAX_KEYPOINTS = 500_000;

/** The most keypoints an image may have to be matched: every one is compared with every one, some 10 s for these. */
export const MAX_MATCHED_KEYPOINTS = 40_000;
