/** More pixels than this are scaled down for the screen. */
const MOST_PIXELS = 16_000_000;

/**
 * An image for drawing; undefined where the browser cannot show its format, as TIFF, or shows it turned otherwise
 * than the service read it.
 *
 * @param size as the service read it
 */
export async function readBitmap(
  file: Blob,
  { width, height }: { width: number; height: number },
): Promise<ImageBitmap | undefined> {
  const shrinking = Math.min(1, Math.sqrt(MOST_PIXELS / (width * height)));
  const options: ImageBitmapOptions =
    shrinking < 1 ? { resizeWidth: Math.round(width * shrinking), resizeQuality: 'medium' } : {};
  const bitmap = await createImageBitmap(file, options).catch(() => undefined);
  if (!bitmap) return undefined;
  const isTurned = Math.abs(bitmap.width / bitmap.height / (width / height) - 1) > 0.02;
  return isTurned ? undefined : bitmap;
}

/** The image, or a plain area in its place. */
export function drawBitmap(
  context: CanvasRenderingContext2D,
  bitmap: ImageBitmap | undefined,
  { x, y, width, height }: { x: number; y: number; width: number; height: number },
): void {
  if (bitmap) {
    context.drawImage(bitmap, x, y, width, height);
    return;
  }
  context.fillStyle = '#26343a';
  context.fillRect(x, y, width, height);
}
