export type { BatchItem, BatchOptions } from './batch.ts';
export type { CachedKeys } from './cached-keys.ts';
export {
  type ClientOptions,
  type Detection,
  EdgesiftClient,
  type ExtractionParameters,
  type FeatureFile,
  type FileFormat,
} from './client.ts';
export type * from './contract.ts';
export { EdgesiftError, type FailureCode } from './errors.ts';
export { type ImageFeatures, readFeatures } from './features.ts';
export type { UploadOptions } from './hash-first.ts';
export type { ImageFile, ImageReference } from './image.ts';
export type { Jobs } from './jobs.ts';
export type { RetryPolicy } from './transport/retry.ts';
export type { CallOptions, Retry } from './transport/transport.ts';
export type { OnUploadProgress, UploadProgress } from './transport/upload-progress.ts';
export type { ReportOptions, Vehicles } from './vehicles.ts';
