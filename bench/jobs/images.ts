import { createCipheriv, createHash } from 'node:crypto';
import sharp, { type Sharp } from 'sharp';

export interface NamedImage {
  /** Relative, with an extension. */
  name: string;
  bytes: Uint8Array<ArrayBuffer>;
}

const SMALLEST = 64;
const LARGEST = 128;
const MAKERS = {
  png: (image: Sharp) => image.png({ compressionLevel: 1 }),
  jpg: (image: Sharp) => image.jpeg({ quality: 90 }),
  webp: (image: Sharp) => image.webp({ quality: 80, effort: 0 }),
};
const FORMATS = ['png', 'jpg', 'webp'] as const;
/** So many have pixels of their own. */
const DISTINCT = 300;

/**
 * Blurred noise of 64 to 128 pixels a side, the same for the same number on every run. Beyond the first of them, files
 * differ only by what follows the image, which decoders ignore: many are made quickly.
 */
export async function smallImages(count: number): Promise<NamedImage[]> {
  const images: NamedImage[] = [];
  for (let number = 0; number < Math.min(count, DISTINCT); number += 1) images.push(await smallImage(number));
  const originals = images.filter(({ name }) => !name.endsWith('.webp'));
  for (let number = DISTINCT; number < count; number += 1) {
    const original = originals[number % originals.length];
    if (!original) throw new TypeError('no image to vary');
    const bytes = new Uint8Array(
      Buffer.concat([original.bytes, Buffer.from(String(number).padStart(8, '0'))]),
    );
    images.push({ name: nameOf(number, original.name.endsWith('.png') ? 'png' : 'jpg'), bytes });
  }
  return images;
}

function nameOf(number: number, extension: string): string {
  return `${number % 7}/${String(number).padStart(5, '0')}.${extension}`;
}

/** One of those with pixels of its own. */
export async function smallImage(number: number): Promise<NamedImage> {
  const format = FORMATS[number % FORMATS.length] ?? 'png';
  const width = SMALLEST + ((number * 37) % (LARGEST - SMALLEST + 1));
  const height = SMALLEST + ((number * 53) % (LARGEST - SMALLEST + 1));
  const image = await noise(number, width, height);
  return {
    name: nameOf(number, format),
    bytes: new Uint8Array(await MAKERS[format](image).toBuffer()),
  };
}

/** A JPEG of a size that users have, with about a thousand keypoints. */
export async function usualImage(number: number): Promise<NamedImage> {
  const image = await noise(number, 512, 512, 4);
  return { name: `${number}.jpg`, bytes: new Uint8Array(await image.jpeg({ quality: 90 }).toBuffer()) };
}

async function noise(seed: number, width: number, height: number, blur = 1.5): Promise<Sharp> {
  const key = createHash('md5').update(`image ${seed}`).digest();
  const pixels = createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(width * height));
  const blurred = await sharp(pixels, { raw: { width, height, channels: 1 } })
    .blur(blur)
    .normalise()
    .toColourspace('b-w')
    .raw()
    .toBuffer();
  return sharp(blurred, { raw: { width, height, channels: 1 } });
}
