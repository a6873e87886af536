import type { GeometryParameters } from '../../shared/contract/parameters.ts';

type Model = GeometryParameters['model'];

/** Matches that determine a model, and how many models they determine at most. */
const SAMPLE = {
  homography: { size: 4, models: 1 },
  fundamental: { size: 7, models: 3 },
} as const;

/** Keypoints nearer than this, in pixels, are of the same point of the scene: each gives one match, not several. */
const POINT_RADIUS = 2;
/** Below it positions are not known. */
const LEAST_ERROR = 0.05;

/** Matches as points, x and y in turn, with the distance of each from what the model says. */
export interface Support {
  points1: Float32Array;
  points2: Float32Array;
  /** Of every match, in pixels of image2. */
  errors: Float64Array;
  /** Row-major, see `estimateGeometry`. */
  matrix: Float64Array;
}

/** So many matches agree by construction, which proves nothing. */
export function minimalSample(model: Model): number {
  return SAMPLE[model].size;
}

/**
 * log10 of the number of false alarms: how many models at least as good as this one are to be expected among matches
 * whose points lie anywhere, by chance (the a-contrario test of L. Moisan and B. Stival, IJCV 57(3), 2004; for
 * homographies and point-to-line errors as in P. Moulon, P. Monasse and R. Marlet, "Adaptive structure from motion with a
 * contrario model estimation", ACCV 2012). The least over all numbers of inliers up to the threshold; the greater one of
 * the two directions; "anywhere" is the box around all matched points. Only distinct points count.
 *
 * @returns undefined where no more than a minimal sample of distinct points agrees
 */
export function log10FalseAlarms(support: Support, model: Model, threshold: number): number | undefined {
  const { points1, points2, errors, matrix } = support;
  const inliers = distinctInliers(support, threshold);
  if (inliers.length <= SAMPLE[model].size) return undefined;
  const backwards = model === 'homography' ? transferErrors(inverse(matrix), points2, points1) : errors;
  return Math.max(
    leastLog10(inliers, errors, points2, model),
    leastLog10(inliers, backwards, points1, model),
  );
}

/** Indices of matches within the threshold, best first, no two of which share a point in either image. */
function distinctInliers({ points1, points2, errors }: Support, threshold: number): number[] {
  const within = [...errors.keys()].filter((match) => (errors[match] ?? 0) <= threshold);
  within.sort((a, b) => (errors[a] ?? 0) - (errors[b] ?? 0));
  const seen = [new PointSet(), new PointSet()] as const;
  return within.filter((match) => {
    const isNew = !seen[0].hasNear(points1, match) && !seen[1].hasNear(points2, match);
    if (isNew) {
      seen[0].add(points1, match);
      seen[1].add(points2, match);
    }
    return isNew;
  });
}

/** Points in cells of a grid as wide as the radius: what is near lies in the same cell or beside it. */
class PointSet {
  readonly #cells = new Map<number, [number, number][]>();

  add(points: Float32Array, at: number): void {
    const [x, y] = pointAt(points, at);
    const key = cellOf(x, y, 0, 0);
    this.#cells.set(key, [...(this.#cells.get(key) ?? []), [x, y]]);
  }

  hasNear(points: Float32Array, at: number): boolean {
    const [x, y] = pointAt(points, at);
    return [-1, 0, 1].some((down) =>
      [-1, 0, 1].some((right) =>
        this.#cells
          .get(cellOf(x, y, right, down))
          ?.some((point) => Math.hypot(point[0] - x, point[1] - y) < POINT_RADIUS),
      ),
    );
  }
}

/** Sides are below 2^20 pixels. */
function cellOf(x: number, y: number, right: number, down: number): number {
  return (Math.floor(y / POINT_RADIUS) + down) * 2 ** 21 + Math.floor(x / POINT_RADIUS) + right;
}

function pointAt(points: Float32Array, at: number): [number, number] {
  return [points[2 * at] ?? 0, points[2 * at + 1] ?? 0];
}

/** @param points where the errors are measured */
function leastLog10(inliers: number[], errors: Float64Array, points: Float32Array, model: Model): number {
  const { size, models } = SAMPLE[model];
  const count = errors.length;
  const { area, diagonal } = boxOf(points);
  const ascending = inliers.map((match) => errors[match] ?? Number.POSITIVE_INFINITY).sort((a, b) => a - b);
  let least = Number.POSITIVE_INFINITY;
  for (let chosen = size + 1; chosen <= ascending.length; chosen += 1) {
    const error = Math.max(ascending[chosen - 1] ?? 0, LEAST_ERROR);
    const covered = model === 'homography' ? Math.PI * error ** 2 : 2 * diagonal * error;
    const log10 =
      Math.log10(models * Math.max(1, count - size)) +
      log10Binomial(count, chosen) +
      log10Binomial(chosen, size) +
      (chosen - size) * Math.log10(Math.min(1, covered / area));
    least = Math.min(least, log10);
  }
  return least;
}

function boxOf(points: Float32Array): { area: number; diagonal: number } {
  const side = (from: number) => {
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let index = from; index < points.length; index += 2) {
      low = Math.min(low, points[index] ?? 0);
      high = Math.max(high, points[index] ?? 0);
    }
    return high - low + 1;
  };
  const [width, height] = [side(0), side(1)];
  return { area: width * height, diagonal: Math.hypot(width, height) };
}

function log10Binomial(n: number, k: number): number {
  return (logFactorial(n) - logFactorial(k) - logFactorial(n - k)) / Math.LN10;
}

/** Stirling's series, right to eight digits from 10 on. */
function logFactorial(n: number): number {
  if (n < 10) {
    let product = 1;
    for (let factor = 2; factor <= n; factor += 1) product *= factor;
    return Math.log(product);
  }
  return (n + 0.5) * Math.log(n) - n + 0.5 * Math.log(2 * Math.PI) + 1 / (12 * n) - 1 / (360 * n ** 3);
}

function transferErrors(matrix: Float64Array, from: Float32Array, to: Float32Array): Float64Array {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0, i = 0] = matrix;
  return Float64Array.from({ length: from.length / 2 }, (_, match) => {
    const [x, y] = pointAt(from, match);
    const [toX, toY] = pointAt(to, match);
    const w = g * x + h * y + i;
    const error = Math.hypot((a * x + b * y + c) / w - toX, (d * x + e * y + f) / w - toY);
    return Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
  });
}

/** The adjugate: a homography's scale does not matter. */
function inverse([
  a = 0,
  b = 0,
  c = 0,
  d = 0,
  e = 0,
  f = 0,
  g = 0,
  h = 0,
  i = 0,
]: Float64Array): Float64Array {
  return Float64Array.of(
    e * i - f * h,
    c * h - b * i,
    b * f - c * e,
    f * g - d * i,
    a * i - c * g,
    c * d - a * f,
    d * h - e * g,
    b * g - a * h,
    a * e - b * d,
  );
}
