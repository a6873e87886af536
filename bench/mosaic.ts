import sharp from 'sharp';
import { type Image, imageOf } from './images.ts';

export const MOSAIC_NAME = 'mosaic.jpg';
const [COLUMNS, ROWS, TILE] = [4, 3, 512];

/** The images in turn, as squares of one JPEG of 3 megapixels: what a miss costs for a photo. */
export async function mosaicOf(images: readonly Image[]): Promise<Image> {
  // libvips reads no BMP.
  const tiles = await Promise.all(images.filter(({ format }) => format !== 'bmp').map(tileOf));
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

function tileOf({ bytes }: Image): Promise<Buffer> {
  return sharp(bytes, { failOn: 'none' })
    .removeAlpha()
    .resize(TILE, TILE)
    .toColourspace('srgb')
    .raw()
    .toBuffer();
}
