import sharp from 'sharp';

/** Nine numbers, row by row. */
export type Matrix = readonly number[];

interface Blob {
  x: number;
  y: number;
  size: number;
  brightness: number;
}

/** A plane of blobs that can be looked at through any homography without resampling, so that its truth is exact. */
const BLOBS = makeBlobs(260);
export const SCENE = { width: 360, height: 280 };

/** Takes points of the scene seen straight on to those of {@link warpedView}: zoom, turn and some perspective. */
export const SCENE_HOMOGRAPHY: Matrix = [0.92, -0.28, 62, 0.25, 0.85, -8, 0.0003, 0.0002, 1];

export function straightView(): Promise<Uint8Array<ArrayBuffer>> {
  return render([1, 0, 0, 0, 1, 0, 0, 0, 1]);
}

export function warpedView(): Promise<Uint8Array<ArrayBuffer>> {
  return render(inverse(SCENE_HOMOGRAPHY));
}

/** Where a homography takes a point. */
export function mapPoint(homography: Matrix, x: number, y: number): [number, number] {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0, i = 0] = homography;
  const w = g * x + h * y + i;
  return [(a * x + b * y + c) / w, (d * x + e * y + f) / w];
}

/** Mean distance in pixels between where two homographies take the four corners of an image. */
export function meanCornerError(found: Matrix, truth: Matrix, width: number, height: number): number {
  const corners = [
    [0, 0],
    [width - 1, 0],
    [0, height - 1],
    [width - 1, height - 1],
  ] as const;
  const errors = corners.map(([x, y]) => {
    const [foundX, foundY] = mapPoint(found, x, y);
    const [trueX, trueY] = mapPoint(truth, x, y);
    return Math.hypot(foundX - trueX, foundY - trueY);
  });
  return errors.reduce((sum, error) => sum + error, 0) / errors.length;
}

async function render(toScene: Matrix): Promise<Uint8Array<ArrayBuffer>> {
  const { width, height } = SCENE;
  const pixels = new Uint8Array(width * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) pixels[y * width + x] = brightnessAt(mapPoint(toScene, x, y));
  }
  return new Uint8Array(
    await sharp(pixels, { raw: { width, height, channels: 1 } })
      .png()
      .toBuffer(),
  );
}

function brightnessAt([x, y]: readonly [number, number]): number {
  let sum = 128;
  for (const blob of BLOBS) {
    const squared = ((x - blob.x) ** 2 + (y - blob.y) ** 2) / (2 * blob.size ** 2);
    if (squared < 12) sum += blob.brightness * Math.exp(-squared);
  }
  return Math.max(0, Math.min(255, Math.round(sum)));
}

function makeBlobs(count: number): Blob[] {
  const random = randomNumbers();
  return Array.from({ length: count }, () => ({
    x: -40 + 440 * random(),
    y: -40 + 360 * random(),
    size: 1.5 + 8 * random() ** 2,
    brightness: (random() < 0.5 ? -1 : 1) * (50 + 70 * random()),
  }));
}

/** The same numbers in [0, 1) each time (minimal standard generator, Park and Miller 1988). */
function randomNumbers(): () => number {
  let state = 20_261_122;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

function inverse([a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0, i = 0]: Matrix): Matrix {
  return [
    e * i - f * h,
    c * h - b * i,
    b * f - c * e,
    f * g - d * i,
    a * i - c * g,
    c * d - a * f,
    d * h - e * g,
    b * g - a * h,
    a * e - b * d,
  ];
}
