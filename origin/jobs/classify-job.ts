import type { VehicleOptions } from '../../shared/contract/vehicles.ts';
import type { VehicleImageHeader } from '../../shared/image-header.ts';
import type { JobCost } from '../scheduler/pool.ts';
import type { ArrivedImage } from './extraction-job.ts';
import type { ClassifyTask } from './messages.ts';

/** The whole image as R, G, B, a decoder's rows and a copy, per pixel. */
const BYTES_PER_PIXEL = 12;
/** Descriptors, posteriors and the encoding: the engine works on an image of bounded size. */
const ENGINE_BYTES = 64 * 1024 * 1024;
/** Work is reckoned in milliseconds: encoding, and decoding per pixel. */
const ENCODING_MS = 200;
const DECODED_PIXELS_PER_MS = 40_000;

/** What the scheduler needs in order to classify an image. */
export function classifyJob(
  { bytes, sha256, header }: ArrivedImage<VehicleImageHeader>,
  options: VehicleOptions,
): { task: ClassifyTask; cost: JobCost } {
  const pixels = header.width * header.height;
  return {
    task: { kind: 'classify', bytes, sha256, header, options, model: 'champion' },
    cost: {
      memoryBytes: bytes.length + pixels * BYTES_PER_PIXEL + ENGINE_BYTES,
      work: ENCODING_MS + pixels / DECODED_PIXELS_PER_MS,
      extraMs: 0,
    },
  };
}
