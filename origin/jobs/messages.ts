import type { ErrorCode } from '../../shared/contract/errors.ts';
import type { GeometryParameters, SiftParameters } from '../../shared/contract/parameters.ts';
import type { VehicleOptions } from '../../shared/contract/vehicles.ts';
import type { FeatureMetadata } from '../../shared/features/payload.ts';
import type { ImageHeader, VehicleImageHeader } from '../../shared/image-header.ts';
import type { SiftEngine } from '../native/addon.ts';
import type { Alias } from '../vehicles/registry.ts';

/**
 * Shared by a thread with the one that gives it tasks, which sets the first element to 1 to end the present task. Our
 * native code looks at it every few milliseconds.
 */
export type CancellationFlag = Int32Array<SharedArrayBuffer>;

/** Model files by their role; docs/vehicle-models.md says what these are. */
export type VehicleModelFiles = Partial<Record<Alias, string>>;

/** What a thread is started with, as its `workerData`. */
export interface ThreadData {
  engine: SiftEngine;
  /** Files of the vehicle models, where there are some: a thread loads each with its first classification. */
  vehicleModels?: VehicleModelFiles | undefined;
  cancelled: CancellationFlag;
}

/** One extraction, as posted to a thread. `bytes` is transferred: the sender's view is empty afterwards. */
export interface ExtractionTask {
  kind: 'extract';
  /** The image file. */
  bytes: Uint8Array<ArrayBuffer>;
  /** Lower-case hexadecimal, of `bytes`. */
  sha256: string;
  /** Format and stored size by which the file was admitted. */
  header: ImageHeader;
  parameters: SiftParameters;
}

/** One match, as posted to a thread. `bytes` is transferred. */
export interface MatchTask {
  kind: 'match';
  /** Two feature payloads, as `joinPayloads` makes them. */
  bytes: Uint8Array<ArrayBuffer>;
  parameters: GeometryParameters;
}

/** One classification, as posted to a thread. `bytes` is transferred. */
export interface ClassifyTask {
  kind: 'classify';
  /** The image file. */
  bytes: Uint8Array<ArrayBuffer>;
  /** Lower-case hexadecimal, of `bytes`. */
  sha256: string;
  /** Format and stored size by which the file was admitted. */
  header: VehicleImageHeader;
  options: VehicleOptions;
  model: Alias;
}

export type Task = ExtractionTask | MatchTask | ClassifyTask;

export interface ExtractionResult {
  kind: 'extracted';
  /** What the payload says of itself. */
  metadata: FeatureMetadata;
  /** Number of keypoints. */
  count: number;
  /** The safetensors file of shared/features/payload.ts, in an ArrayBuffer of its own. */
  payload: Uint8Array<ArrayBuffer>;
  decodeMs: number;
  /** Where it was requested. */
  denoiseMs?: number;
  siftMs: number;
}

export interface MatchTaskResult {
  kind: 'matched';
  /** JSON of `matchResultSchema`, in an ArrayBuffer of its own. */
  payload: Uint8Array<ArrayBuffer>;
  matchMs: number;
}

export interface ClassifyResult {
  kind: 'classified';
  /** JSON of `ClassifiedImage`, in an ArrayBuffer of its own. */
  payload: Uint8Array<ArrayBuffer>;
  decodeMs: number;
  classifyMs: number;
}

export type TaskResult = ExtractionResult | MatchTaskResult | ClassifyResult;

/** A `ServiceError` taken apart, since structured cloning keeps no class. */
export interface ExtractionFailure {
  code: ErrorCode;
  message: string;
  details: Record<string, unknown>;
  cause: unknown;
}

/** What a thread posts: `ready` once, when it has warmed up, then one response per task. */
export type ThreadMessage =
  | { kind: 'ready' }
  | { kind: 'done'; result: TaskResult }
  | { kind: 'failed'; failure: ExtractionFailure };
