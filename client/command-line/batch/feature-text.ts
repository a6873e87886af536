import { isRecord, parseJson } from '../../../shared/features/safetensors.ts';
import type { DetectParameters } from '../../contract.ts';
import { readFeatures } from '../../features.ts';

type Format = NonNullable<DetectParameters['format']>;

/** Added to the whole name of an image: COLMAP looks for `photo.jpg.txt`, and `a.jpg` and `a.png` stay apart. */
export const FEATURE_EXTENSIONS: Readonly<Record<Format, string>> = {
  safetensors: '.safetensors',
  npz: '.npz',
  colmap: '.txt',
  key: '.key',
  json: '.json',
};

/** The number of keypoints in a file of features; undefined where only a reader of the format knows it. */
export function keypointsIn(format: Format, bytes: Uint8Array<ArrayBuffer>): number | undefined {
  if (format === 'npz') return undefined;
  if (format === 'safetensors') return readFeatures(bytes).count;
  if (format === 'json') {
    const response = parseJson(new TextDecoder().decode(bytes));
    return isRecord(response) && typeof response.keypoints === 'number' ? response.keypoints : undefined;
  }
  // Both texts begin with the number of keypoints and the length of a descriptor.
  return Number.parseInt(new TextDecoder().decode(bytes.subarray(0, 20)), 10);
}
