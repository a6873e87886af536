import { ServiceError } from '../../shared/contract/errors.ts';
import { MAX_KEYPOINTS } from '../../shared/contract/limits.ts';
import type { SiftParameters } from '../../shared/contract/parameters.ts';
import { BYTES_PER_KEYPOINT, encodePayload } from '../../shared/features/payload.ts';
import { decodeImage } from '../decode/decode.ts';
import type { NativeAddon, PixelImage } from '../native/addon.ts';
import type { ExtractionResult, ExtractionTask } from './messages.ts';

/**
 * Image file → feature payload. Blocks the calling thread while the native code runs.
 *
 * @throws ServiceError `IMAGE_READ_ERROR` or `IMAGE_TOO_LARGE` from decoding; `IMAGE_TOO_LARGE` for more than
 *   {@link MAX_KEYPOINTS} keypoints, and for more work than our engine does
 */
export async function extractFeatures(addon: NativeAddon, task: ExtractionTask): Promise<ExtractionResult> {
  const started = performance.now();
  const image = await decodeImage(task.bytes, { format: task.format, maxPixels: task.maxPixels });
  const decoded = performance.now();
  const prepared = denoised(addon, image, task.parameters);
  const denoisedAt = performance.now();
  const tensors = tensorsOf(addon, prepared, task.parameters);
  checkKeypointCount(tensors.length / BYTES_PER_KEYPOINT);
  const { format, sha256, bytes, parameters } = task;
  const { width, height } = image;
  for (const pixels of new Set([image.pixels, prepared.pixels])) freeAtOnce(pixels);
  const payload = encodePayload(
    { extractor: addon.engine, parameters, image: { sha256, format, width, height, bytes: bytes.length } },
    tensors,
  );
  return {
    kind: 'extracted',
    payload,
    decodeMs: decoded - started,
    ...(parameters.denoising && { denoiseMs: denoisedAt - decoded }),
    siftMs: performance.now() - denoisedAt,
  };
}

/** The image that features are searched in: denoised where the parameters say so. */
export function denoised(addon: NativeAddon, image: PixelImage, { denoising }: SiftParameters): PixelImage {
  return denoising ? { ...image, pixels: addon.denoise(image, denoising), channels: 3 } : image;
}

/** V8 counts pixels as memory in use until it collects them: for their megabytes it would do so every few images. */
function freeAtOnce({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}

function tensorsOf(addon: NativeAddon, image: PixelImage, parameters: SiftParameters): Uint8Array {
  try {
    return new Uint8Array(addon.extract(image, parameters));
  } catch (cause) {
    const isTooMuch = cause instanceof Error && 'code' in cause && cause.code === 'TOO_MUCH_WORK';
    if (!isTooMuch) throw cause;
    const message =
      'With these parameters the image takes too long: raise contrast_threshold or lower sigma.';
    throw new ServiceError('IMAGE_TOO_LARGE', message, { details: { limit: 'work' }, cause });
  }
}

function checkKeypointCount(count: number): void {
  if (count <= MAX_KEYPOINTS) return;
  const message = `The image has more than ${MAX_KEYPOINTS} keypoints: ask for the strongest by nfeatures.`;
  throw new ServiceError('IMAGE_TOO_LARGE', message, {
    details: { limit: 'keypoints', max: MAX_KEYPOINTS, actual: count },
  });
}
