import sharp from 'sharp';
import { DEFAULT_SIFT_PARAMETERS } from '../../shared/contract/parameters.ts';
import { sha256Hex } from '../../shared/sha256.ts';
import type { ExtractionTask } from './messages.ts';

const SIDE = 96;

/** A small image with something to find in it, so that a first extraction loads and touches all that later ones need. */
export async function warmUpTask(): Promise<ExtractionTask> {
  const pixels = Uint8Array.from({ length: SIDE * SIDE }, (_, index) => {
    const x = index % SIDE;
    const y = Math.floor(index / SIDE);
    return 128 + 100 * Math.sin((x * x) / 200) * Math.cos((y * y) / 300);
  });
  const raw = { width: SIDE, height: SIDE, channels: 1 } as const;
  const bytes = new Uint8Array(await sharp(pixels, { raw }).jpeg().toBuffer());
  return {
    kind: 'extract',
    bytes,
    sha256: await sha256Hex(bytes),
    header: { format: 'jpeg', width: SIDE, height: SIDE },
    parameters: DEFAULT_SIFT_PARAMETERS,
  };
}
