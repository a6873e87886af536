import sharp from 'sharp';
import type { PixelImage } from '../origin/native/addon.ts';
import type { Random } from './random.ts';

/** Drawn larger and reduced, so that edges are smooth. */
const OVERSAMPLING = 2;
const LEAST_SIDE = 160;
const GREATEST_SIDE = 320;
const MOST_SHAPES = 20;

type Colour = [number, number, number];

/** Whether a pixel, given in shares of the sides, belongs to a shape. */
type Inside = (x: number, y: number) => boolean;

/** A flat drawing without a vehicle: bands or a gradient, with rectangles, ellipses, triangles, strokes or lines of text. */
export async function drawing(random: Random): Promise<PixelImage> {
  const width = OVERSAMPLING * Math.round(random.between(LEAST_SIDE, GREATEST_SIDE));
  const height = Math.round(width * random.between(0.5, 1.1));
  const pixels = new Uint8Array(3 * width * height);
  const paint = (inside: Inside, colour: Colour) => {
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        if (inside(x / width, y / height)) pixels.set(colour, 3 * (y * width + x));
  };
  background(random, pixels, width, height);
  const shapes = Math.floor(random.between(1, random.next() < 0.5 ? 6 : MOST_SHAPES));
  for (let i = 0; i < shapes; i++) paint(someShape(random), someColour(random));
  const { data, info } = await sharp(pixels, { raw: { width, height, channels: 3 } })
    .resize({ width: width / OVERSAMPLING })
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { pixels: new Uint8Array(data), width: info.width, height: info.height, channels: 3 };
}

function background(random: Random, pixels: Uint8Array, width: number, height: number): void {
  const [above, below] = [someColour(random), someColour(random)];
  const horizon = random.between(0.3, 1.4);
  const isGradient = random.next() < 0.3;
  for (let y = 0; y < height; y++) {
    const share = isGradient ? y / height : y / height < horizon ? 0 : 1;
    const colour = above.map((value, c) => Math.round(value + share * ((below[c] ?? 0) - value)));
    for (let x = 0; x < width; x++) pixels.set(colour, 3 * (y * width + x));
  }
}

function someColour(random: Random): Colour {
  return [random.below(256), random.below(256), random.below(256)];
}

function someShape(random: Random): Inside {
  const [x, y] = [random.next(), random.next()];
  const [w, h] = [random.between(0.02, 0.3), random.between(0.02, 0.3)];
  switch (random.below(5)) {
    case 0:
      return (px, py) => Math.abs(px - x) < w && Math.abs(py - y) < h;
    case 1:
      return (px, py) => ((px - x) / w) ** 2 + ((py - y) / w) ** 2 < 1;
    case 2:
      // A triangle with its tip above, as a roof or a mountain.
      return (px, py) => py > y - h && py < y + h && Math.abs(px - x) < (w * (py - y + h)) / (2 * h);
    case 3: {
      const slope = random.between(-2, 2);
      const thickness = random.between(0.004, 0.03);
      return (px, py) => Math.abs(py - y - slope * (px - x)) < thickness && Math.abs(px - x) < 2 * w;
    }
    default:
      return linesOfText(random, x, y, w);
  }
}

/** Rows of small dark and bright cells. */
function linesOfText(random: Random, x: number, y: number, w: number): Inside {
  const size = random.between(0.01, 0.03);
  const letters = Array.from({ length: 997 }, () => random.next() < 0.5);
  return (px, py) => {
    const [column, line] = [Math.floor((px - x) / (size / 4)), Math.floor((py - y) / (size / 3))];
    if (px < x - w || px > x + w || line < 0 || line > 30 || line % 5 > 2) return false;
    return letters[Math.abs(column * 31 + line * 7) % letters.length] ?? false;
  };
}
