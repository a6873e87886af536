import type { VehicleData } from '../../../shared/contract/vehicles.ts';
import { drawBitmap } from '../bitmap.ts';
import type { Scene } from '../pan-zoom-canvas.ts';

export interface ExplanationView {
  /** Of the cells, 0 to 1. */
  opacity: number;
}

/** The image with the box that was looked at, and what spoke for (green) and against (red) the class. */
export function explanationScene(
  { image, box, explanation, is_vehicle: isVehicle }: VehicleData,
  bitmap: ImageBitmap | undefined,
  view: ExplanationView,
): Scene {
  const { width, height } = image;
  return {
    width,
    height,
    draw(context, pixel) {
      drawBitmap(context, bitmap, { x: 0, y: 0, width, height });
      if (explanation && isVehicle) drawCells(context, explanation, box, view.opacity);
      for (const [colour, line] of [
        ['#000000', 4],
        ['#4cc9ff', 2],
      ] as const) {
        context.strokeStyle = colour;
        context.lineWidth = line * pixel;
        context.strokeRect(box.x, box.y, box.width, box.height);
      }
    },
  };
}

function drawCells(
  context: CanvasRenderingContext2D,
  { columns, rows, values }: NonNullable<VehicleData['explanation']>,
  box: VehicleData['box'],
  opacity: number,
): void {
  const greatest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  if (greatest === 0) return;
  const [width, height] = [box.width / columns, box.height / rows];
  for (const [cell, value] of values.entries()) {
    context.globalAlpha = (opacity * Math.abs(value)) / greatest;
    context.fillStyle = value > 0 ? '#1fd36b' : '#ff4a3d';
    context.fillRect(
      box.x + (cell % columns) * width,
      box.y + Math.floor(cell / columns) * height,
      width,
      height,
    );
  }
  context.globalAlpha = 1;
}
