/**
 * Decodes files for compare_with_cv2.py. Standard input: a path a line. Standard output, for each: a line of JSON,
 * `{ width, height }` and the grey pixels behind it, or `{ refused }`.
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { decodeImage } from '../../origin/decode/decode.ts';
import { loadNativeAddon } from '../../origin/native/addon.ts';
import { ServiceError } from '../../shared/contract/errors.ts';
import { DEFAULT_MAX_IMAGE_PIXELS } from '../../shared/contract/limits.ts';
import { readImageHeader } from '../../shared/image-header.ts';

const addon = loadNativeAddon();

async function greyOf(path: string) {
  const bytes = readFileSync(path);
  const header = readImageHeader(bytes);
  if (header.width * header.height > DEFAULT_MAX_IMAGE_PIXELS) return { refused: 'IMAGE_TOO_LARGE' };
  const image = await decodeImage(addon, bytes, { header, orientation: 'apply', colours: false });
  return { ...image, pixels: image.channels === 1 ? image.pixels : addon.toGrey(image) };
}

function refusal(error: unknown): { refused: string } {
  if (!(error instanceof ServiceError)) throw error;
  return { refused: `${error.code}: ${error.message}` };
}

for await (const path of createInterface({ input: process.stdin })) {
  const result = await greyOf(path).catch(refusal);
  const { pixels, ...line } = 'refused' in result ? { ...result, pixels: undefined } : result;
  process.stdout.write(`${JSON.stringify(line)}\n`);
  if (pixels) process.stdout.write(pixels);
}
