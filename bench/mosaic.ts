import sharp from 'sharp';
import { type Picture, picture } from './pictures.ts';

export const MOSAIC_NAME = 'mosaic.jpg';
const [COLUMNS, ROWS, TILE] = [4, 3, 512];

/** The pictures in turn, as squares of one JPEG of 3 megapixels: what a miss costs for a photo. */
export async function mosaicOf(pictures: readonly Picture[]): Promise<Picture> {
  // libvips reads no BMP.
  const tiles = await Promise.all(pictures.filter(({ format }) => format !== 'bmp').map(tileOf));
  const grid = Array.from({ length: COLUMNS * ROWS }, (_, index) => ({
    input: tiles[index % tiles.length] ?? Buffer.alloc(0),
    raw: { width: TILE, height: TILE, channels: 3 } as const,
    left: (index % COLUMNS) * TILE,
    top: Math.floor(index / COLUMNS) * TILE,
  }));
  const empty = { width: COLUMNS * TILE, height: ROWS * TILE, channels: 3, background: 'grey' } as const;
  const image = sharp({ create: empty }).composite(grid).jpeg({ quality: 90 });
  return picture(MOSAIC_NAME, await image.toBuffer());
}

function tileOf({ bytes }: Picture): Promise<Buffer> {
  return sharp(bytes, { failOn: 'none' })
    .removeAlpha()
    .resize(TILE, TILE)
    .toColourspace('srgb')
    .raw()
    .toBuffer();
}
