import type { MatchResponse } from '../../../client/contract.ts';
import { drawBitmap } from '../bitmap.ts';
import type { Point, Scene } from '../pan-zoom-canvas.ts';

export type Pairs = NonNullable<MatchResponse['pairs']>;

export interface MatchView {
  areInliersShown: boolean;
  areOutliersShown: boolean;
  highlighted: number | undefined;
}

/** Where the second image lies: to the right of the first one, as tall as that one. */
export interface SideBySide {
  width: number;
  height: number;
  /** Left edge of the second image. */
  left: number;
  /** Length of a pixel of the second image. */
  scale: number;
}

const INLIER = '#3dffb5';
const OUTLIER = '#ff6b5e';

export function sideBySide([one, other]: MatchResponse['images']): SideBySide {
  const scale = one.height / other.height;
  const left = one.width * 1.02;
  return { width: left + other.width * scale, height: one.height, left, scale };
}

/** Two images with a line for each match. */
export function matchScene(
  { images, pairs }: MatchResponse,
  bitmaps: readonly (ImageBitmap | undefined)[],
  view: MatchView,
): Scene {
  const place = sideBySide(images);
  const [one] = images;
  return {
    width: place.width,
    height: place.height,
    draw(context, pixel) {
      drawBitmap(context, bitmaps[0], { x: 0, y: 0, width: one.width, height: one.height });
      const { left, width, height } = place;
      drawBitmap(context, bitmaps[1], { x: left, y: 0, width: width - left, height });
      if (!pairs) return;
      if (view.areOutliersShown) drawLines(context, pairs, place, { isInlier: false, pixel });
      if (view.areInliersShown) drawLines(context, pairs, place, { isInlier: true, pixel });
      if (view.highlighted === undefined) return;
      const path = linesOf(pairs, place, [view.highlighted], 6 * pixel);
      stroke(context, path, { colour: '#000000', width: 6 * pixel, opacity: 1 });
      stroke(context, path, { colour: '#ffffff', width: 3 * pixel, opacity: 1 });
    },
  };
}

function drawLines(
  context: CanvasRenderingContext2D,
  pairs: Pairs,
  place: SideBySide,
  { isInlier, pixel }: { isInlier: boolean; pixel: number },
): void {
  const rows = [...pairs.inlier.keys()].filter((row) => pairs.inlier[row] === isInlier);
  const path = linesOf(pairs, place, rows, 2.5 * pixel);
  // Many lines must leave something of the images to be seen.
  const opacity = Math.max(0.25, Math.min(0.9, 60 / Math.max(1, rows.length)));
  stroke(context, path, { colour: isInlier ? INLIER : OUTLIER, width: 1.3 * pixel, opacity });
}

function stroke(
  context: CanvasRenderingContext2D,
  path: Path2D,
  { colour, width, opacity }: { colour: string; width: number; opacity: number },
): void {
  context.globalAlpha = opacity;
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.stroke(path);
  context.globalAlpha = 1;
}

function linesOf(pairs: Pairs, place: SideBySide, rows: readonly number[], radius: number): Path2D {
  const path = new Path2D();
  for (const row of rows) {
    const [from, to] = endsOf(pairs, place, row);
    path.moveTo(from.x, from.y);
    path.lineTo(to.x, to.y);
    for (const { x, y } of [from, to]) {
      path.moveTo(x + radius, y);
      path.arc(x, y, radius, 0, 2 * Math.PI);
    }
  }
  return path;
}

function endsOf({ x1, y1, x2, y2 }: Pairs, { left, scale }: SideBySide, row: number): [Point, Point] {
  return [
    { x: (x1[row] ?? 0) + 0.5, y: (y1[row] ?? 0) + 0.5 },
    { x: left + scale * ((x2[row] ?? 0) + 0.5), y: scale * ((y2[row] ?? 0) + 0.5) },
  ];
}

/** The match that has an end nearest to a point, within a radius. */
export function nearestMatch(
  pairs: Pairs,
  place: SideBySide,
  view: MatchView,
  { at, radius }: { at: Point; radius: number },
): number | undefined {
  let nearest: number | undefined;
  let least = radius;
  for (const [row, isInlier] of pairs.inlier.entries()) {
    if (!(isInlier ? view.areInliersShown : view.areOutliersShown)) continue;
    for (const end of endsOf(pairs, place, row)) {
      const distance = Math.hypot(end.x - at.x, end.y - at.y);
      if (distance >= least) continue;
      least = distance;
      nearest = row;
    }
  }
  return nearest;
}
