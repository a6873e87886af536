import type { ErrorCode } from '../../shared/contract/errors.ts';
import type { SiftParameters } from '../../shared/contract/parameters.ts';
import type { ImageFormat } from '../../shared/image-header.ts';
import type { SiftEngine } from '../native/addon.ts';

/** What a thread is started with, as its `workerData`. */
export interface ThreadData {
  engine: SiftEngine;
}

/** One extraction, as posted to a thread. `bytes` is transferred: the sender's view is empty afterwards. */
export interface ExtractionTask {
  /** The image file. */
  bytes: Uint8Array<ArrayBuffer>;
  /** Lower-case hexadecimal, of `bytes`. */
  sha256: string;
  format: ImageFormat;
  parameters: SiftParameters;
  /** Largest width × height to decode. */
  maxPixels: number;
}

export interface ExtractionResult {
  /** The safetensors file of shared/features/payload.ts, in an ArrayBuffer of its own. */
  payload: Uint8Array<ArrayBuffer>;
  decodeMs: number;
  siftMs: number;
}

/** A `ServiceError` taken apart, since structured cloning keeps no class. */
export interface ExtractionFailure {
  code: ErrorCode;
  message: string;
  details: Record<string, unknown>;
  cause: unknown;
}

/** What a thread posts: `ready` once, when it has warmed up, then one answer per task. */
export type ThreadMessage =
  | { kind: 'ready' }
  | { kind: 'extracted'; result: ExtractionResult }
  | { kind: 'failed'; failure: ExtractionFailure };
