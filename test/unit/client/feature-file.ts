import { DEFAULT_SIFT_PARAMETERS } from '../../../shared/contract/parameters.ts';
import { BYTES_PER_KEYPOINT, encodePayload } from '../../../shared/features/payload.ts';

/** A safetensors file as the service writes it, of `count` keypoints. */
export function featureFile(count: number, sha256 = 'a'.repeat(64)): Uint8Array<ArrayBuffer> {
  const metadata = {
    extractor: { name: 'edgesift', version: '1' },
    parameters: DEFAULT_SIFT_PARAMETERS,
    image: { sha256, format: 'png', width: 640, height: 480, bytes: 1234 },
  } as const;
  // Bytes that repeat after 61 differ from one element to the next, and are no NaN as floats.
  return encodePayload(
    metadata,
    Uint8Array.from({ length: count * BYTES_PER_KEYPOINT }, (_, index) => index % 61),
  );
}
