import { ServiceError } from '../../shared/contract/errors.ts';
import { MAX_KEYPOINTS } from '../../shared/contract/limits.ts';
import type { SiftParameters } from '../../shared/contract/parameters.ts';
import { BYTES_PER_KEYPOINT, encodePayload } from '../../shared/features/payload.ts';
import { type DecodeOptions, decodeImage } from '../decode/decode.ts';
import { freeAtOnce } from '../free-at-once.ts';
import type { NativeAddon, PixelImage } from '../native/addon.ts';
import { cancellable, cancellablePromise, throwIfCancelled } from './cancellation.ts';
import type { CancellationFlag, ExtractionResult, ExtractionTask } from './messages.ts';

/**
 * Image file → feature payload. Blocks the calling thread while the native code runs.
 *
 * @throws ServiceError `IMAGE_READ_ERROR` from decoding; `IMAGE_TOO_LARGE` for more than
 *   {@link MAX_KEYPOINTS} keypoints, and for more work than our engine does; `SERVICE_TIMEOUT` once `cancelled` is set
 */
export async function extractFeatures(
  addon: NativeAddon,
  task: ExtractionTask,
  cancelled?: CancellationFlag,
): Promise<ExtractionResult> {
  throwIfCancelled(cancelled);
  const started = performance.now();
  const decoding: DecodeOptions = {
    header: task.header,
    orientation: task.parameters.orientation ?? 'apply',
    colours: task.parameters.denoising !== undefined,
    cancelled,
  };
  const image = await cancellablePromise(decodeImage(addon, task.bytes, decoding));
  throwIfCancelled(cancelled);
  const decoded = performance.now();
  const prepared = denoised(addon, image, task.parameters, cancelled);
  const denoisedAt = performance.now();
  const tensors = tensorsOf(addon, prepared, task.parameters, cancelled);
  const { header, sha256, bytes, parameters } = task;
  const { width, height } = image;
  for (const pixels of new Set([image.pixels, prepared.pixels])) freeAtOnce(pixels);
  const metadata = {
    extractor: addon.engine,
    parameters,
    image: { sha256, format: header.format, width, height, bytes: bytes.length },
  };
  const payload = encodePayload(metadata, tensors);
  const count = tensors.length / BYTES_PER_KEYPOINT;
  freeAtOnce(tensors);
  return {
    kind: 'extracted',
    metadata,
    count,
    payload,
    decodeMs: decoded - started,
    ...(parameters.denoising && { denoiseMs: denoisedAt - decoded }),
    siftMs: performance.now() - denoisedAt,
  };
}

/** The image that features are searched in: denoised where the parameters say so. */
export function denoised(
  addon: NativeAddon,
  image: PixelImage,
  { denoising }: SiftParameters,
  cancelled?: CancellationFlag,
): PixelImage {
  if (!denoising) return image;
  const pixels = cancellable(() => addon.denoise(image, denoising, cancelled));
  return { ...image, pixels, channels: 3 };
}

function tensorsOf(
  addon: NativeAddon,
  image: PixelImage,
  parameters: SiftParameters,
  cancelled?: CancellationFlag,
): Uint8Array {
  try {
    return new Uint8Array(cancellable(() => addon.extract(image, parameters, MAX_KEYPOINTS, cancelled)));
  } catch (thrown) {
    throw refusalFrom(thrown) ?? thrown;
  }
}

/** Turns the addon's refusals into errors for clients. */
function refusalFrom(thrown: unknown): ServiceError | undefined {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  if (code === 'TOO_MANY_KEYPOINTS') {
    const message = `The image has more than ${MAX_KEYPOINTS} keypoints. Raise contrast_threshold, or set nfeatures.`;
    return tooLarge(message, { limit: 'keypoints', max: MAX_KEYPOINTS }, thrown);
  }
  if (code === 'TOO_MUCH_WORK') {
    const message =
      'With these parameters, the extraction takes too long. Raise contrast_threshold or lower sigma.';
    return tooLarge(message, { limit: 'work' }, thrown);
  }
  return undefined;
}

function tooLarge(message: string, details: Record<string, unknown>, cause: unknown): ServiceError {
  return new ServiceError('IMAGE_TOO_LARGE', message, { details, cause });
}
