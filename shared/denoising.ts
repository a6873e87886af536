import { ServiceError } from './contract/errors.ts';
import type { Denoising, SiftParameters } from './contract/parameters.ts';

/**
 * How much denoising one image may take: about 20 s of one core of 2026. A request lives for some 30 s, and no
 * platform gives minutes.
 */
const MAX_NANOSECONDS = 20e9;

/**
 * What non-local means costs per pixel, in nanoseconds: it compares the template windows of all pixels of the search
 * window. Measured with OpenCV 4.6 on a shared core of 2026: 3.2 to 7.9 µs with the default windows, here 6.2; for windows
 * of other sizes within that factor of what this says.
 */
function nanosecondsPerPixel(denoising: Denoising): number {
  return denoising.search_window_size ** 2 * (7 + denoising.template_window_size);
}

/** About how long denoising takes, in milliseconds; 0 without. */
export function denoisingMs(pixels: number, { denoising }: SiftParameters): number {
  return denoising ? (pixels * nanosecondsPerPixel(denoising)) / 1e6 : 0;
}

/**
 * Refuses what would take too long.
 *
 * @throws ServiceError `IMAGE_TOO_LARGE`, whose details say how many pixels these windows allow
 */
export function checkDenoising(
  { width, height }: { width: number; height: number },
  { denoising }: SiftParameters,
): void {
  if (!denoising) return;
  const max = Math.floor(MAX_NANOSECONDS / nanosecondsPerPixel(denoising));
  if (width * height <= max) return;
  throw new ServiceError(
    'IMAGE_TOO_LARGE',
    `Denoising this image would take too long. With these windows, an image can have at most ${max} pixels. Send a ` +
      'smaller image or choose smaller windows.',
    { details: { limit: 'denoising', max, actual: width * height, width, height } },
  );
}
