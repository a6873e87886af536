import sharp from 'sharp';
import type { ImageHeader } from '../../shared/image-header.ts';
import type { PixelImage } from '../native/addon.ts';
import { damaged } from './errors.ts';

// libvips reads many more formats, some by large and often attacked libraries: only these two may ever run.
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({ operation: ['VipsForeignLoadPngBuffer', 'VipsForeignLoadWebpBuffer'] });
// One image per worker thread, and none is ever decoded twice.
sharp.concurrency(1);
sharp.cache(false);

/**
 * The first page of a PNG or WebP: stored rows and columns, sample values as stored with no colour management, alpha
 * dropped. At most as many pixels are decoded as the header says.
 *
 * @throws ServiceError `IMAGE_READ_ERROR`
 */
export async function decodeByLibvips(bytes: Uint8Array, header: ImageHeader): Promise<PixelImage> {
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
