import type { Pixels } from './pixels.ts';
import { blank } from './pixels.ts';

const ORIENTATION_TAG = 0x0112;

/** EXIF orientation of a JPEG, 1 to 8; 1 where it has none (Exif 2.3, 4.5.4 and 4.6.4 A). */
export function exifOrientation(jpeg: Uint8Array<ArrayBuffer>): number {
  const view = new DataView(jpeg.buffer, jpeg.byteOffset, jpeg.byteLength);
  for (let at = 2; at + 10 <= view.byteLength && view.getUint8(at) === 0xff; ) {
    const marker = view.getUint8(at + 1);
    const length = view.getUint16(at + 2);
    if (marker === 0xda) return 1;
    if (marker === 0xe1 && view.getUint32(at + 4) === 0x45786966)
      return orientationIn(view, at + 10, length - 8);
    at += 2 + length;
  }
  return 1;
}

function orientationIn(view: DataView, start: number, length: number): number {
  const end = Math.min(start + length, view.byteLength);
  if (start + 8 > end) return 1;
  const isLittle = view.getUint16(start) === 0x4949;
  const directory = start + view.getUint32(start + 4, isLittle);
  if (directory + 2 > end) return 1;
  const entries = view.getUint16(directory, isLittle);
  for (let entry = 0; entry < entries; entry += 1) {
    const at = directory + 2 + 12 * entry;
    if (at + 12 > end) return 1;
    if (view.getUint16(at, isLittle) !== ORIENTATION_TAG) continue;
    const value = view.getUint16(at + 8, isLittle);
    return value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}

/** Turns and mirrors an image as its orientation says, so that the service's coordinates fit. */
export function applyOrientation(image: Pixels, orientation: number): Pixels {
  if (orientation === 1) return image;
  const { width, height } = image;
  const isTurned = orientation >= 5;
  const turned = isTurned ? blank(height, width) : blank(width, height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const [u, v] = destination(orientation, x, y, width, height);
      const to = 3 * (v * turned.width + u);
      turned.rgb.set(image.rgb.subarray(3 * (y * width + x), 3 * (y * width + x) + 3), to);
    }
  }
  return turned;
}

function destination(
  orientation: number,
  x: number,
  y: number,
  width: number,
  height: number,
): [number, number] {
  const right = width - 1 - x;
  const below = height - 1 - y;
  switch (orientation) {
    case 2:
      return [right, y];
    case 3:
      return [right, below];
    case 4:
      return [x, below];
    case 5:
      return [y, x];
    case 6:
      return [below, x];
    case 7:
      return [below, right];
    case 8:
      return [y, right];
    default:
      return [x, y];
  }
}
