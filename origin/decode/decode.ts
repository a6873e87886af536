import type { VehicleImageHeader } from '../../shared/image-header.ts';
import type { ImageDecoders, PixelImage } from '../native/addon.ts';
import { decodeBmp } from './bmp.ts';
import { damaged } from './errors.ts';
import { decodeByLibvips } from './libvips.ts';
import { decodeByAddon } from './native-decoders.ts';
import { exifOfPng } from './png-chunks.ts';
import { refuseCutTiffTags } from './tiff-tags.ts';

export interface DecodeOptions {
  /** What the content is and its stored size, from `readImageHeader`; no other decoder than this format's runs. */
  header: VehicleImageHeader;
  /** `ignore`: rows and columns as they are stored, independent of EXIF data. */
  orientation: 'apply' | 'ignore';
  /** Whether a caller needs R, G, B. Where not, the image may come as its grey, OpenCV's BGR2GRAY. */
  colours: boolean;
  /** Ends the decoding, except that of PNG and WebP; see `NativeAddon.extract`. */
  cancelled?: Int32Array | undefined;
}

/**
 * Decodes an image file to the pixels that `cv2.imread(path, cv2.IMREAD_COLOR)` of OpenCV 4.6 gives, in the
 * order R, G, B: first page only, alpha dropped, 16 bits reduced to 8, EXIF orientation applied where cv2 applies it.
 * docs/decoding.md lists what differs.
 *
 * @throws ServiceError `IMAGE_READ_ERROR` for a file that is damaged, cut short, of an unsupported kind, or of
 *   another size than its header was read to have.
 */
export async function decodeImage(
  addon: ImageDecoders,
  bytes: Uint8Array,
  options: DecodeOptions,
): Promise<PixelImage> {
  const { header } = options;
  switch (header.format) {
    case 'jpeg':
      return decodeByAddon(addon.decodeJpeg, bytes, options);
    case 'png': {
      const exif = exifOfPng(bytes);
      const image = ofAdmittedSize(await decodeByLibvips(bytes, header), header);
      return exif && options.orientation === 'apply' ? upright(addon, image, exif) : image;
    }
    case 'gif':
      // The first frame, in the whole logical screen.
      return ofAdmittedSize(await decodeByLibvips(bytes, header), header);
    case 'webp':
      // cv2 does not look at the EXIF data of WebP.
      return ofAdmittedSize(await decodeByLibvips(bytes, header), header);
    case 'tiff':
      refuseCutTiffTags(bytes);
      return decodeByAddon(addon.decodeTiff, bytes, options);
    case 'bmp':
      return ofAdmittedSize(decodeBmp(bytes, options.cancelled), header);
  }
}

/** @throws ServiceError `IMAGE_READ_ERROR`: memory and limits were reckoned from the header's size. */
function ofAdmittedSize(image: PixelImage, { format, width, height }: VehicleImageHeader): PixelImage {
  if (image.width === width && image.height === height) return image;
  throw damaged(format, new Error(`decoded to ${image.width}×${image.height}, not ${width}×${height}`));
}

function upright(addon: ImageDecoders, image: PixelImage, exif: Uint8Array): PixelImage {
  const orientation = addon.exifOrientation(exif);
  return orientation === 1 ? image : addon.orient(image, orientation);
}
