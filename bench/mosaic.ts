import sharp from 'sharp';
import { decodeImage } from '../origin/decode/decode.ts';
import { loadNativeAddon } from '../origin/native/addon.ts';
import { readImageHeader } from '../shared/image-header.ts';
import { type Image, imageOf } from './images.ts';

const addon = loadNativeAddon();

const MOSAIC_NAME = 'mosaic.jpg';
const [COLUMNS, ROWS, TILE] = [4, 3, 512];

/** The images in turn, as squares of one JPEG of 3 megapixels: what a miss costs for a photo. */
export async function mosaicOf(images: readonly Image[]): Promise<Image> {
  const tiles = await Promise.all(images.map(tileOf));
  const grid = Array.from({ length: COLUMNS * ROWS }, (_, index) => ({
    input: tiles[index % tiles.length] ?? Buffer.alloc(0),
    raw: { width: TILE, height: TILE, channels: 3 } as const,
    left: (index % COLUMNS) * TILE,
    top: Math.floor(index / COLUMNS) * TILE,
  }));
  const empty = { width: COLUMNS * TILE, height: ROWS * TILE, channels: 3, background: 'grey' } as const;
  const image = sharp({ create: empty }).composite(grid).jpeg({ quality: 90 });
  return imageOf(MOSAIC_NAME, await image.toBuffer());
}

async function tileOf({ bytes }: Image): Promise<Buffer> {
  const header = readImageHeader(bytes);
  const { pixels, width, height, channels } = await decodeImage(addon, bytes, {
    header,
    orientation: 'apply',
    colours: true,
  });
  return sharp(pixels, { raw: { width, height, channels } })
    .resize(TILE, TILE)
    .toColourspace('srgb')
    .raw()
    .toBuffer();
}
