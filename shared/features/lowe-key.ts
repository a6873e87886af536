import { DESCRIPTOR_LENGTH, descriptorChunks } from './descriptor.ts';
import { floatText } from './float-text.ts';
import type { Features } from './payload.ts';
import { siftFrame } from './sift-frame.ts';

/** Readers such as Bundler's take six lines of 20 integers and one of 8. */
const INTEGERS_PER_LINE = 20;

/**
 * The `.key` file of Lowe's SIFT demo program: `N 128`, then for each keypoint a line `row column scale
 * orientation` and its 128 integers in seven lines (README of siftDemoV4).
 *
 * Rows and columns have their origin at the centre of the upper-left pixel. The orientation is in radians from -π
 * to π, counter-clockwise on screen: the demo's `showkeys.m` draws it upwards.
 */
export function* loweKeyText(features: Features): Generator<string> {
  yield `${features.count} ${DESCRIPTOR_LENGTH}\n`;
  let index = 0;
  for (const chunk of descriptorChunks(features.descriptors)) {
    let text = '';
    for (let row = 0; row < chunk.length; row += DESCRIPTOR_LENGTH) {
      const { x, y, scale, orientation } = siftFrame(features, index);
      text += `${[y, x, scale, counterClockwise(orientation)].map(floatText).join(' ')}\n`;
      text += integerLines(chunk.subarray(row, row + DESCRIPTOR_LENGTH));
      index += 1;
    }
    yield text;
  }
}

function counterClockwise(orientation: number): number {
  return orientation <= Math.PI ? -orientation : 2 * Math.PI - orientation;
}

function integerLines(descriptor: Uint8Array): string {
  let lines = '';
  for (let at = 0; at < DESCRIPTOR_LENGTH; at += INTEGERS_PER_LINE) {
    lines += ` ${descriptor.subarray(at, at + INTEGERS_PER_LINE).join(' ')}\n`;
  }
  return lines;
}
