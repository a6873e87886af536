import { type FeatureMetadata, keyOf } from '../../shared/features/payload.ts';

/** What is known of a result without its tensors; answers the default JSON. */
export interface FeatureSummary {
  metadata: FeatureMetadata;
  /** Number of keypoints. */
  count: number;
  /** When the caches forget it, in milliseconds since the Unix epoch. */
  expiresAt: number;
}

export interface CachedFeatures {
  summary: FeatureSummary;
  /** The safetensors payload, where it was asked for and is kept. */
  payload?: Uint8Array<ArrayBuffer>;
}

export interface CompleteFeatures extends CachedFeatures {
  payload: Uint8Array<ArrayBuffer>;
}

export function keyOfSummary(summary: FeatureSummary): string {
  return keyOf(summary.metadata);
}
