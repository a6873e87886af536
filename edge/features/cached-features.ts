import type { FeatureSummary } from '../../shared/records/feature-summary.ts';

export interface CachedFeatures {
  summary: FeatureSummary;
  /** The safetensors payload, where it was requested and is kept. */
  payload?: Uint8Array<ArrayBuffer>;
}

export interface CompleteFeatures extends CachedFeatures {
  payload: Uint8Array<ArrayBuffer>;
}
