import { encode } from 'fast-png';
import type { MatchParameters, MatchResponse } from '../../contract.ts';
import { applyOrientation, exifOrientation } from './exif-orientation.ts';
import { blank, decodePixels, type Pixels } from './pixels.ts';

type Colour = readonly [number, number, number];

/** More lines than these hide the images. */
const MOST_LINES = 400;
const OUTLIER: Colour = [200, 60, 60];

/**
 * A PNG of both images side by side: inliers in different colours, outliers thin and red below them.
 *
 * @param orientation with which the images were matched
 */
export function drawMatches(
  file1: Uint8Array<ArrayBuffer>,
  file2: Uint8Array<ArrayBuffer>,
  { pairs, inliers }: MatchResponse,
  orientation: NonNullable<MatchParameters['orientation']>,
): Uint8Array {
  const pixelsOf = orientation === 'apply' ? uprightPixels : decodePixels;
  const left = pixelsOf(file1);
  const right = pixelsOf(file2);
  const canvas = blank(left.width + right.width, Math.max(left.height, right.height));
  paste(canvas, left, 0);
  paste(canvas, right, left.width);
  if (pairs) {
    for (const isInlier of [false, true]) {
      const chosen = pairs.inlier.flatMap((inlier, index) => (inlier === isInlier ? [index] : []));
      const step = Math.max(1, Math.ceil(chosen.length / MOST_LINES));
      for (let at = 0; at < chosen.length; at += step) {
        const index = chosen[at] ?? 0;
        const from = [pairs.x1[index] ?? 0, pairs.y1[index] ?? 0] as const;
        const to = [left.width + (pairs.x2[index] ?? 0), pairs.y2[index] ?? 0] as const;
        line(canvas, from, to, isInlier ? hue(at / Math.max(1, inliers)) : OUTLIER);
      }
    }
  }
  return encode({ width: canvas.width, height: canvas.height, data: canvas.rgb, channels: 3, depth: 8 });
}

function uprightPixels(file: Uint8Array<ArrayBuffer>): Pixels {
  const pixels = decodePixels(file);
  return file[0] === 0xff ? applyOrientation(pixels, exifOrientation(file)) : pixels;
}

function paste(canvas: Pixels, image: Pixels, left: number): void {
  for (let y = 0; y < image.height; y += 1) {
    const row = image.rgb.subarray(3 * y * image.width, 3 * (y + 1) * image.width);
    canvas.rgb.set(row, 3 * (y * canvas.width + left));
  }
}

function line(
  canvas: Pixels,
  from: readonly [number, number],
  to: readonly [number, number],
  colour: Colour,
): void {
  const [x0, y0] = from;
  const [x1, y1] = to;
  const steps = Math.max(1, Math.ceil(Math.max(Math.abs(x1 - x0), Math.abs(y1 - y0))));
  for (let step = 0; step <= steps; step += 1) {
    const x = Math.round(x0 + ((x1 - x0) * step) / steps);
    const y = Math.round(y0 + ((y1 - y0) * step) / steps);
    if (x >= 0 && x < canvas.width && y >= 0 && y < canvas.height) {
      canvas.rgb.set(colour, 3 * (y * canvas.width + x));
    }
  }
}

/** A colour of full saturation. @param turn 0 to 1 around the wheel, from yellow to violet */
function hue(turn: number): Colour {
  const angle = 60 + 240 * turn;
  const channel = (offset: number) => {
    const k = (offset + angle / 60) % 6;
    return Math.round(255 * (1 - Math.max(0, Math.min(k, 4 - k, 1))));
  };
  return [channel(5), channel(3), channel(1)];
}
