import { DESCRIPTOR_LENGTH, descriptorChunks } from './descriptor.ts';
import { floatText } from './float-text.ts';
import type { Features } from './payload.ts';
import { rootSift } from './root-sift.ts';
import { siftFrame } from './sift-frame.ts';

/**
 * The text that `colmap feature_importer` reads: `N 128`, then a line `X Y SCALE ORIENTATION D1 … D128` for each
 * keypoint (COLMAP's tutorial, "Feature Detection and Extraction").
 *
 * COLMAP puts (0,0) at the corner of the upper-left pixel, so half a pixel is added. SCALE is σ; ORIENTATION is in
 * radians, clockwise on screen: `FeatureKeypoint` makes (scale·cos, scale·sin) of it with y down. The order of a
 * descriptor's elements is the one that COLMAP's own extractor stores.
 *
 * @param options.rootSift gives what COLMAP stores of its own RootSIFT: 512 times the value, rounded, at most 255
 */
export function* colmapText(features: Features, options: { rootSift: boolean }): Generator<string> {
  yield `${features.count} ${DESCRIPTOR_LENGTH}\n`;
  let index = 0;
  for (const chunk of descriptorChunks(features.descriptors)) {
    const values = options.rootSift ? rootSiftBytes(chunk) : chunk;
    let text = '';
    for (let row = 0; row < values.length; row += DESCRIPTOR_LENGTH) {
      const { x, y, scale, orientation } = siftFrame(features, index);
      const frame = [x + 0.5, y + 0.5, scale, orientation].map(floatText).join(' ');
      text += `${frame} ${values.subarray(row, row + DESCRIPTOR_LENGTH).join(' ')}\n`;
      index += 1;
    }
    yield text;
  }
}

/** RootSIFT in bytes, U8[N,128], as COLMAP stores it: its `FeatureDescriptorsToUnsignedByte`. */
export function rootSiftBytes(descriptors: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(rootSift(descriptors), (value) => Math.min(255, Math.round(512 * value)));
}
