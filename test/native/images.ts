import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { decodeImage } from '../../origin/decode/decode.ts';
import { loadNativeAddon, type PixelImage } from '../../origin/native/addon.ts';
import { readImageHeader } from '../../shared/image-header.ts';

export async function decodeFile(path: string): Promise<PixelImage> {
  const bytes = readFileSync(path);
  const header = readImageHeader(bytes);
  return decodeImage(loadNativeAddon(), bytes, { header, orientation: 'apply', colours: true });
}

/** A colour image with some 37 keypoints. */
export function sampleImage(): Promise<PixelImage> {
  return decodeFile(fileURLToPath(new URL('../images/png-rgb.png', import.meta.url)));
}

/** Deterministic grey texture with keypoints at every scale. */
export function texture(width: number, height: number): PixelImage {
  const pixels = new Uint8Array(width * height);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const wave =
        Math.sin(x / 3) * Math.cos(y / 4) + Math.sin((x + 2 * y) / 17) + Math.cos((y * y + x) / 91);
      pixels[y * width + x] = 128 + 42 * wave;
    }
  }
  return { pixels, width, height, channels: 1 };
}
