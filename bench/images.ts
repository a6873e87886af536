import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { type FeatureImageFormat, readImageHeader } from '../shared/image-header.ts';
import { fromRoot } from '../tools/project-root.ts';

export interface Image {
  readonly name: string;
  /** The image file. */
  readonly bytes: Uint8Array;
  readonly format: FeatureImageFormat;
  readonly width: number;
  readonly height: number;
}

export interface ImageSet {
  readonly images: readonly Image[];
  /** In words, for the report. */
  readonly source: string;
  /** Near 75 kB, the size that the reference figures are for. */
  readonly small: Image;
  /** Near 539 kB. */
  readonly large: Image;
}

/** Real images on the machines of this project's makers; absent anywhere else. */
const SHARED_IMAGES = fromRoot('..', 'shared', 'data', 'features');
const [SMALL_BYTES, LARGE_BYTES] = [75_000, 539_000];
const IMAGE_FILE = /\.(jpe?g|png|bmp|tiff?|webp)$/i;

/** @throws Error for a folder without image files */
export async function loadImages(folder: string | undefined): Promise<ImageSet> {
  if (folder !== undefined) return imageSet(readFolder(folder), `the folder ${folder}`);
  if (existsSync(SHARED_IMAGES)) return imageSet(readFolder(SHARED_IMAGES), '../shared/data/features');
  return imageSet(await generate(), 'GENERATED NOISE: ../shared/data/features is not here');
}

function imageSet(images: Image[], source: string): ImageSet {
  const nearest = (bytes: number) => {
    const distance = (image: Image) => Math.abs(Math.log(image.bytes.length / bytes));
    const [first] = images.toSorted((a, b) => distance(a) - distance(b));
    if (first === undefined) throw new Error(`no image files in ${source}`);
    return first;
  };
  return { images, source, small: nearest(SMALL_BYTES), large: nearest(LARGE_BYTES) };
}

function readFolder(folder: string): Image[] {
  const files = readdirSync(folder).filter((name) => IMAGE_FILE.test(name));
  return files.toSorted().map((name) => imageOf(name, readFileSync(path.join(folder, name))));
}

/** An image from its file's content. */
export function imageOf(name: string, file: Uint8Array): Image {
  const bytes = new Uint8Array(file);
  return { name, bytes, ...readImageHeader(bytes) };
}

/** Of about the sizes of the two real images that hits are measured with. */
function generate(): Promise<Image[]> {
  return Promise.all([noiseImage('jpeg'), noiseImage('png')]);
}

/** An image with very many keypoints, the same on every run. */
export async function noiseImage(format: 'jpeg' | 'png'): Promise<Image> {
  const [width, height] = [512, 512];
  const noise = createHash('shake256', { outputLength: width * height * 3 })
    .update('edgesift')
    .digest();
  const image = sharp(noise, { raw: { width, height, channels: 3 } })
    .blur(1.2)
    .normalise();
  const encoded = format === 'jpeg' ? image.jpeg({ quality: 78 }) : image.png();
  return imageOf(`noise.${format}`, await encoded.toBuffer());
}

/** Length and format, as in "75 kB JPEG". */
export function describe({ bytes, format }: Image): string {
  return `${Math.round(bytes.length / 1000)} kB ${format.toUpperCase()}`;
}
