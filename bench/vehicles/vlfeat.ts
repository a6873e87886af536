import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import type { PixelImage } from '../../origin/native/addon.ts';
import type { NativeVocabulary } from '../../origin/vehicles/native.ts';
import { fromRoot } from '../../tools/project-root.ts';
import type { Figures } from '../statistics.ts';

const run = promisify(execFile);
const BUILD = fromRoot('build', 'bench-vehicles');

/** Builds the encoder by VLFeat; undefined where Debian's libvlfeat-dev is not installed. */
export async function buildVlfeat(): Promise<string | undefined> {
  try {
    await run('cmake', ['-S', fromRoot('bench', 'vehicles'), '-B', BUILD]);
    await run('cmake', ['--build', BUILD]);
    return path.join(BUILD, 'encode_vlfeat');
  } catch (error) {
    process.stderr.write(`without VLFeat: ${String(error).split('\n')[0]}\n`);
    return undefined;
  }
}

/** Times of encoding images, each with its mirror image, at the size that the classifier uses. */
export async function encodeByVlfeat(
  program: string,
  vocabulary: NativeVocabulary,
  images: readonly PixelImage[],
): Promise<Figures[]> {
  const views: Uint8Array[] = [];
  for (const { pixels, width, height, channels } of images) {
    const { data, info } = await sharp(pixels, { raw: { width, height, channels } })
      .resize(vocabulary.longest, vocabulary.longest, { fit: 'inside' })
      .greyscale()
      .raw()
      .toBuffer({ resolveWithObject: true });
    views.push(bytesOf(Int32Array.of(info.width, info.height)), bytesOf(Float32Array.from(data)));
  }
  const { weights, bin_sizes: bins, step, projection, mean, means, variances } = vocabulary;
  const head = Int32Array.of(weights.length, bins.length, step);
  const input = path.join(BUILD, 'input');
  const parts = [head, bins, projection, mean, weights, means, variances].map(bytesOf);
  writeFileSync(input, Buffer.concat([...parts, ...views]));
  const { stdout } = await run(program, [input]);
  return stdout
    .trim()
    .split('\n')
    .map((line) => {
      const [dsift_ms = 0, projection_ms = 0, fisher_ms = 0, descriptors = 0] = line.split(' ').map(Number);
      return {
        dsift_ms,
        projection_ms,
        fisher_ms,
        total_ms: dsift_ms + projection_ms + fisher_ms,
        descriptors,
      };
    });
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
