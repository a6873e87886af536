import sharp from 'sharp';
import type { VehicleImageHeader } from '../../shared/image-header.ts';
import type { PixelImage } from '../native/addon.ts';
import { damaged } from './errors.ts';
import './restrict-libvips.ts';

// One image per worker thread, and none is ever decoded twice.
sharp.concurrency(1);
sharp.cache(false);

/**
 * The first page of a PNG, WebP or GIF: stored rows and columns, sample values as stored with no colour management, alpha
 * dropped. At most as many pixels are decoded as the header says.
 *
 * @throws ServiceError `IMAGE_READ_ERROR`
 */
export async function decodeByLibvips(bytes: Uint8Array, header: VehicleImageHeader): Promise<PixelImage> {
  const limitInputPixels = header.width * header.height;
  try {
    const { data, info } = await sharp(bytes, { failOn: 'error', ignoreIcc: true, limitInputPixels })
      .removeAlpha()
      .toColourspace('srgb')
      .raw()
      .toBuffer({ resolveWithObject: true });
    return { pixels: data, width: info.width, height: info.height, channels: 3 };
  } catch (cause) {
    // What libvips says is for the log: it names libraries, addresses and code.
    throw damaged(header.format, cause);
  }
}
