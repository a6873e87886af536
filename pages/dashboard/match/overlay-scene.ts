import type { MatchResponse } from '../../../client/contract.ts';
import { drawBitmap } from '../bitmap.ts';
import type { Point, Scene } from '../pan-zoom-canvas.ts';

export type Matrix = NonNullable<MatchResponse['homography']>['matrix'];

/** Squares along each side of the first image. A canvas can only draw parallelograms: small ones look the same. */
const CELLS = 24;
const MOST_PIXELS = 4_000_000;

export interface OverlayView {
  /** Of the first image, 0 to 1. */
  opacity: number;
  isDifference: boolean;
}

/** The second image, and over it the first one as the homography maps it. */
export function overlayScene(
  { images: [one, other] }: MatchResponse,
  matrix: Matrix,
  bitmaps: readonly (ImageBitmap | undefined)[],
  view: OverlayView,
): Scene {
  const { width, height } = other;
  const warped = bitmaps[0] && warp(bitmaps[0], one, matrix, { width, height });
  const whole = { x: 0, y: 0, width, height };
  return {
    width,
    height,
    draw(context) {
      drawBitmap(context, bitmaps[1], whole);
      if (!warped) return;
      context.globalAlpha = view.opacity;
      context.globalCompositeOperation = view.isDifference ? 'difference' : 'source-over';
      context.drawImage(warped, 0, 0, width, height);
      context.globalAlpha = 1;
      context.globalCompositeOperation = 'source-over';
    },
  };
}

/** Draws an image as a homography maps it, into a picture of the size of the target. */
function warp(
  bitmap: ImageBitmap,
  source: { width: number; height: number },
  matrix: Matrix,
  target: { width: number; height: number },
): OffscreenCanvas {
  const shrinking = Math.min(1, Math.sqrt(MOST_PIXELS / (target.width * target.height)));
  const canvas = new OffscreenCanvas(
    Math.max(1, Math.round(target.width * shrinking)),
    Math.max(1, Math.round(target.height * shrinking)),
  );
  const context = canvas.getContext('2d');
  if (!context) return canvas;
  const [stepX, stepY] = [source.width / CELLS, source.height / CELLS];
  const [toBitmapX, toBitmapY] = [bitmap.width / source.width, bitmap.height / source.height];
  for (let row = 0; row < CELLS; row += 1) {
    for (let column = 0; column < CELLS; column += 1) {
      const [x, y] = [column * stepX, row * stepY];
      const corners = [
        mapped(matrix, { x, y }),
        mapped(matrix, { x: x + stepX, y }),
        mapped(matrix, { x, y: y + stepY }),
      ];
      const [origin, right, below] = corners;
      // A point at infinity or behind it has no place.
      if (!origin || !right || !below) continue;
      context.setTransform(
        (shrinking * (right.x - origin.x)) / stepX,
        (shrinking * (right.y - origin.y)) / stepX,
        (shrinking * (below.x - origin.x)) / stepY,
        (shrinking * (below.y - origin.y)) / stepY,
        shrinking * origin.x,
        shrinking * origin.y,
      );
      // A little more than the cell, so that no seams are seen.
      const [margin, width, height] = [0.6, stepX + 0.6, stepY + 0.6];
      context.drawImage(
        bitmap,
        x * toBitmapX,
        y * toBitmapY,
        Math.min(width * toBitmapX, bitmap.width - x * toBitmapX),
        Math.min(height * toBitmapY, bitmap.height - y * toBitmapY),
        0,
        0,
        Math.min(stepX + margin, source.width - x),
        Math.min(stepY + margin, source.height - y),
      );
    }
  }
  return canvas;
}

/** x' ~ H x, with coordinates of pixel corners; undefined on the other side of infinity. */
export function mapped(matrix: Matrix, { x, y }: Point): Point | undefined {
  // The service counts from the centre of the upper-left pixel.
  const point = [x - 0.5, y - 0.5, 1] as const;
  const [a = 0, b = 0, w = 0] = matrix.map(
    (row) => row[0] * point[0] + row[1] * point[1] + row[2] * point[2],
  );
  return w > 1e-9 ? { x: a / w + 0.5, y: b / w + 0.5 } : undefined;
}
