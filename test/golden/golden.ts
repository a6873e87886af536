import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { z } from 'zod';
import { siftParametersSchema } from '../../shared/contract/parameters.ts';

const imageSchema = z
  .object({
    width: z.int(),
    height: z.int(),
    pixels_sha256: z.string(),
    grey_sha256: z.string(),
    features: z.array(z.object({ parameters: siftParametersSchema, count: z.int(), offset: z.int() })),
  })
  .nullable();

const goldenSchema = z.object({
  opencv: z.string(),
  dispatch: z.string(),
  images: z.record(z.string(), imageSchema),
  shared: z.record(z.string(), imageSchema),
});

export type GoldenImage = NonNullable<z.infer<typeof imageSchema>>;

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** What OpenCV says of our images and of the shared ones; see make.py. */
export const golden = goldenSchema.parse(JSON.parse(readFileSync(at('golden.json'), 'utf8')));

/** The engine version that gives the golden payloads bit for bit. */
export const GOLDEN_ENGINE = `${golden.opencv}-${golden.dispatch}`;

/** Environment in which OpenCV on x86 runs at the golden data's dispatch level. */
export const GOLDEN_ENVIRONMENT = { OPENCV_CPU_DISABLE: 'AVX512-SKX' };

const payloads = gunzipSync(readFileSync(at('payloads.bin.gz')));

export function goldenPayload({ count, offset }: { count: number; offset: number }): Uint8Array {
  return payloads.subarray(offset, offset + count * 152);
}

const SHARED_FOLDER = at('../../../shared/data/features/');

/** The shared images are not part of the repository; without them their cases are skipped. */
export const sharedImagesExist = existsSync(SHARED_FOLDER);

export interface ImageFile {
  name: string;
  path: string;
  /** Absent where cv2 does not read the file. */
  expected: GoldenImage | null;
}

/** Files that cv2 reads and the service does not; docs/decoding.md says why. */
export const REFUSED = ['tiff-lab.tif', 'tiff-ycbcr.tif'];

export const ownImages: ImageFile[] = Object.entries(golden.images).map(([name, expected]) => ({
  name,
  path: at(`../images/${name}`),
  expected,
}));

export const sharedImages: ImageFile[] = Object.entries(golden.shared).map(([name, expected]) => ({
  name,
  path: SHARED_FOLDER + name,
  expected,
}));

export const availableImages: ImageFile[] = [...ownImages, ...(sharedImagesExist ? sharedImages : [])];
