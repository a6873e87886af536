/** Where in the scale space a keypoint was found: octave -1 is the image enlarged twice, 0 its own size. */
export interface ScaleSpaceLevel {
  octave: number;
  layer: number;
}

/** Takes OpenCV's packed value apart as its `unpackOctave` does: a signed byte of octave, a byte of layer. */
export function unpackOctave(packed: number): ScaleSpaceLevel {
  return { octave: (packed << 24) >> 24, layer: (packed >> 8) & 0xff };
}
