import { drawBitmap } from '../bitmap.ts';
import type { Point, Scene } from '../pan-zoom-canvas.ts';
import type { Keypoints } from '../service.ts';

/** One colour per octave, from the enlarged image upwards; all readable on photographs. */
const COLOURS = ['#ffd84d', '#3dffb5', '#4cc9ff', '#b28dff', '#ff7ac6', '#ff6b5e', '#ffa94d', '#ffffff'];

export function colourOf(octave: number): string {
  return COLOURS[Math.min(octave + 1, COLOURS.length - 1)] ?? '#ffffff';
}

export interface KeypointView {
  /** The strongest keypoints that are drawn. */
  shown: number;
  isImageShown: boolean;
  highlighted: number | undefined;
}

/** An image with a circle for each keypoint and a line for its direction. */
export function keypointScene(
  keypoints: Keypoints,
  bitmap: ImageBitmap | undefined,
  view: KeypointView,
): Scene {
  const { width, height } = keypoints.image;
  const rowsByOctave = Map.groupBy(keypoints.octave.keys(), (row) => keypoints.octave[row] ?? 0);
  return {
    width,
    height,
    draw(context, pixel) {
      drawBitmap(context, view.isImageShown ? bitmap : undefined, { x: 0, y: 0, width, height });
      // Dark beneath bright, so that circles are visible on every image.
      for (const [octave, rows] of rowsByOctave) {
        const path = pathOf(keypoints, rows, view.shown, pixel);
        stroke(context, path, 'rgb(0 0 0 / 0.45)', 2.8 * pixel);
        stroke(context, path, colourOf(octave), 1.4 * pixel);
      }
      if (view.highlighted === undefined) return;
      const path = pathOf(keypoints, [view.highlighted], Number.POSITIVE_INFINITY, pixel);
      stroke(context, path, '#000000', 6 * pixel);
      stroke(context, path, '#ffffff', 3 * pixel);
    },
  };
}

function stroke(context: CanvasRenderingContext2D, path: Path2D, colour: string, width: number): void {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.stroke(path);
}

function pathOf(
  { x, y, size, angle }: Keypoints,
  rows: readonly number[],
  shown: number,
  pixel: number,
): Path2D {
  const path = new Path2D();
  for (const row of rows) {
    if (row >= shown) break;
    // The canvas counts from the corner of the upper-left pixel, the service from its centre.
    const [centreX, centreY] = [(x[row] ?? 0) + 0.5, (y[row] ?? 0) + 0.5];
    const radius = Math.max(pixel, (size[row] ?? 0) / 2);
    const radians = ((angle[row] ?? 0) * Math.PI) / 180;
    const [endX, endY] = [centreX + radius * Math.cos(radians), centreY + radius * Math.sin(radians)];
    path.moveTo(endX, endY);
    path.arc(centreX, centreY, radius, radians, radians + 2 * Math.PI);
    path.moveTo(centreX, centreY);
    path.lineTo(endX, endY);
  }
  return path;
}

/** The keypoint whose centre is nearest, within a radius. */
export function nearestKeypoint(
  { x, y }: Keypoints,
  shown: number,
  at: Point,
  radius: number,
): number | undefined {
  let nearest: number | undefined;
  let least = radius * radius;
  for (let row = 0; row < shown; row += 1) {
    const squared = ((x[row] ?? 0) + 0.5 - at.x) ** 2 + ((y[row] ?? 0) + 0.5 - at.y) ** 2;
    if (squared >= least) continue;
    least = squared;
    nearest = row;
  }
  return nearest;
}
