import { BYTES_PER_KEYPOINT, decodePayload, encodePayload } from '../../shared/features/payload.ts';
import { ownImage } from '../fixtures/images.ts';
import { payloadOf } from './golden-payload.ts';

/** The payload of an image without keypoints. */
export function flatFeatures(): Uint8Array<ArrayBuffer> {
  return payloadOfMany(0);
}

/** A payload of so many keypoints, all of whose values are 0. */
export function payloadOfMany(count: number): Uint8Array<ArrayBuffer> {
  const { metadata } = decodePayload(payloadOf('png-rgb.png', ownImage('png-rgb.png')));
  return encodePayload(metadata, new Uint8Array(count * BYTES_PER_KEYPOINT));
}
