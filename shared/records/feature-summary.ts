import { type FeatureMetadata, keyOf } from '../features/payload.ts';

/** What is known of a result without its tensors; enough for the default JSON. */
export interface FeatureSummary {
  metadata: FeatureMetadata;
  /** Number of keypoints. */
  count: number;
  /** When the caches forget it, in milliseconds since the Unix epoch. */
  expiresAt: number;
}

export function keyOfSummary(summary: FeatureSummary): string {
  return keyOf(summary.metadata);
}
