import { BYTES_PER_KEYPOINT, decodePayload, encodePayload } from '../../shared/features/payload.ts';
import { ownPicture } from '../fixtures/pictures.ts';
import { payloadOf } from './golden-payload.ts';

/** The payload of a picture without keypoints. */
export function flatFeatures(): Uint8Array<ArrayBuffer> {
  return payloadOfMany(0);
}

/** A payload of so many keypoints, all of whose values are 0. */
export function payloadOfMany(count: number): Uint8Array<ArrayBuffer> {
  const { metadata } = decodePayload(payloadOf('png-rgb.png', ownPicture('png-rgb.png')));
  return encodePayload(metadata, new Uint8Array(count * BYTES_PER_KEYPOINT));
}
