import { createHash } from 'node:crypto';
import { encodePayload } from '../../shared/features/payload.ts';
import { readImageHeader } from '../../shared/image-header.ts';
import { GOLDEN_ENGINE, golden, goldenPayload } from '../golden/golden.ts';

/** The payload that the service has for an image: OpenCV's own features of it, from the golden data. */
export function payloadOf(name: string, image: Uint8Array): Uint8Array<ArrayBuffer> {
  const expected = golden.images[name] ?? golden.shared[name];
  const features = expected?.features[0];
  if (!expected || !features) throw new Error(`no golden data of ${name}`);
  const metadata = {
    extractor: { name: 'opencv-sift', version: GOLDEN_ENGINE },
    parameters: features.parameters,
    image: {
      sha256: createHash('sha256').update(image).digest('hex'),
      format: readImageHeader(image).format,
      width: expected.width,
      height: expected.height,
      bytes: image.length,
    },
  };
  return encodePayload(metadata, goldenPayload(features));
}
