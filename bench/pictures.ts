import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { type ImageFormat, readImageHeader } from '../shared/image-header.ts';
import { fromRoot } from '../tools/project-root.ts';

export interface Picture {
  readonly name: string;
  /** The image file. */
  readonly bytes: Uint8Array;
  readonly format: ImageFormat;
  readonly width: number;
  readonly height: number;
}

export interface PictureSet {
  readonly pictures: readonly Picture[];
  /** In words, for the report. */
  readonly source: string;
  /** Near 75 kB, the size that the reference figures are for. */
  readonly small: Picture;
  /** Near 539 kB. */
  readonly large: Picture;
}

/** Real pictures on the machines of this project's makers; absent anywhere else. */
const SHARED_PICTURES = fromRoot('..', 'shared', 'data', 'features');
const [SMALL_BYTES, LARGE_BYTES] = [75_000, 539_000];
const IMAGE_FILE = /\.(jpe?g|png|bmp|tiff?|webp)$/i;

/** @throws Error for a folder without image files */
export async function loadPictures(folder: string | undefined): Promise<PictureSet> {
  if (folder !== undefined) return pictureSet(readFolder(folder), `the folder ${folder}`);
  if (existsSync(SHARED_PICTURES)) return pictureSet(readFolder(SHARED_PICTURES), '../shared/data/features');
  return pictureSet(await generate(), 'GENERATED NOISE: ../shared/data/features is not here');
}

function pictureSet(pictures: Picture[], source: string): PictureSet {
  const nearest = (bytes: number) => {
    const distance = (picture: Picture) => Math.abs(Math.log(picture.bytes.length / bytes));
    const [first] = pictures.toSorted((a, b) => distance(a) - distance(b));
    if (first === undefined) throw new Error(`no image files in ${source}`);
    return first;
  };
  return { pictures, source, small: nearest(SMALL_BYTES), large: nearest(LARGE_BYTES) };
}

function readFolder(folder: string): Picture[] {
  const files = readdirSync(folder).filter((name) => IMAGE_FILE.test(name));
  return files.toSorted().map((name) => picture(name, readFileSync(path.join(folder, name))));
}

/** A picture from its file's content. */
export function picture(name: string, file: Uint8Array): Picture {
  const bytes = new Uint8Array(file);
  return { name, bytes, ...readImageHeader(bytes) };
}

/** Of about the sizes of the two real pictures that hits are measured with. */
function generate(): Promise<Picture[]> {
  return Promise.all([noisePicture('jpeg'), noisePicture('png')]);
}

/** A picture with very many keypoints, the same on every run. */
export async function noisePicture(format: 'jpeg' | 'png'): Promise<Picture> {
  const [width, height] = [512, 512];
  const noise = createHash('shake256', { outputLength: width * height * 3 })
    .update('edgesift')
    .digest();
  const image = sharp(noise, { raw: { width, height, channels: 3 } })
    .blur(1.2)
    .normalise();
  const encoded = format === 'jpeg' ? image.jpeg({ quality: 78 }) : image.png();
  return picture(`noise.${format}`, await encoded.toBuffer());
}

/** Length and format, as in "75 kB JPEG". */
export function describe({ bytes, format }: Picture): string {
  return `${Math.round(bytes.length / 1000)} kB ${format.toUpperCase()}`;
}
