import type { ImageLimits } from '../../shared/contract/limits.ts';
import type { SiftParameters } from '../../shared/contract/parameters.ts';
import { checkDenoising, denoisingMs } from '../../shared/denoising.ts';
import { checkPixelCount, type ImageHeader } from '../../shared/image-header.ts';
import type { SiftEngine } from '../native/addon.ts';
import type { JobCost } from '../scheduler/pool.ts';
import { denoisingBytes, extractionBytes } from './memory.ts';
import type { ExtractionTask } from './messages.ts';

const USUAL_SIGMA = 1.6;

/** An image file that has arrived whole. */
export interface ArrivedImage<Header = ImageHeader> {
  /** In an ArrayBuffer of its own. */
  bytes: Uint8Array<ArrayBuffer>;
  sha256: string;
  header: Header;
}

/** @throws ServiceError `IMAGE_TOO_LARGE` for an image that is not extracted with these parameters */
export function checkExtraction(header: ImageHeader, parameters: SiftParameters, limits: ImageLimits): void {
  checkPixelCount(header, limits);
  checkDenoising(header, parameters);
}

/** What the scheduler needs in order to extract the features of an image. */
export function extractionJob(
  { bytes, sha256, header }: ArrivedImage,
  parameters: SiftParameters,
  { engine }: { engine: SiftEngine },
): { task: ExtractionTask; cost: JobCost } {
  const pixels = header.width * header.height;
  const task: ExtractionTask = {
    kind: 'extract',
    bytes,
    sha256,
    header,
    parameters,
  };
  const cost: JobCost = {
    memoryBytes: Math.max(
      extractionBytes(engine, header, bytes.length, parameters),
      denoisingBytes(header, bytes.length, parameters),
    ),
    // An octave has three levels more than are searched; filters grow with their blur.
    work: pixels * (parameters.n_octave_layers + 3) * Math.max(1, parameters.sigma / USUAL_SIGMA),
    extraMs: denoisingMs(pixels, parameters),
  };
  return { task, cost };
}
