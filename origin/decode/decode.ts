import type { ImageFormat } from '../../shared/image-header.ts';
import type { PixelImage } from '../native/addon.ts';
import { decodeBmp } from './bmp.ts';
import { inkToRgb, multiplyLikeOpenCv } from './cmyk.ts';
import { refuseScanBomb } from './jpeg-scans.ts';
import { type EncodedImage, hasInkChannels, open, readBytes } from './libvips.ts';
import { refuseWithoutEnd } from './png-end.ts';
import { decodeTiff } from './tiff.ts';

export interface DecodeOptions {
  /** What the content is, from {@link readImageHeader}; no other decoder than this format's runs. */
  format: ImageFormat;
  /** Most pixels that the decoded image may have. */
  maxPixels: number;
}

/**
 * Decodes an image file to the pixels that `cv2.imread(path, cv2.IMREAD_COLOR)` of OpenCV 4.6 gives, in the
 * order R, G, B: first page only, alpha dropped, 16 bits reduced to 8, EXIF orientation applied where cv2 applies it.
 * docs/decoding.md lists what differs.
 *
 * @throws ServiceError `IMAGE_READ_ERROR` for a file that is damaged, cut short or of an unsupported kind,
 *   `IMAGE_TOO_LARGE` beyond `maxPixels`.
 */
export async function decodeImage(bytes: Uint8Array, options: DecodeOptions): Promise<PixelImage> {
  const image: EncodedImage = { bytes, ...options };
  switch (options.format) {
    case 'bmp':
      return decodeBmp(bytes, options.maxPixels);
    case 'tiff':
      return decodeTiff(image);
    case 'jpeg':
      refuseScanBomb(bytes);
      return (await hasInkChannels(image)) ? decodeInkJpeg(image) : decodeColour(image, true);
    case 'png':
      refuseWithoutEnd(bytes);
      return decodeColour(image, true);
    case 'webp':
      // cv2 does not look at the EXIF data of WebP.
      return decodeColour(image, false);
  }
}

async function decodeColour(image: EncodedImage, orientByExif: boolean): Promise<PixelImage> {
  const pipeline = orientByExif ? open(image).autoOrient() : open(image);
  const { data, width, height } = await readBytes(image, pipeline.removeAlpha().toColourspace('srgb'));
  return { pixels: data, width, height, channels: 3 };
}

async function decodeInkJpeg(image: EncodedImage): Promise<PixelImage> {
  const pipeline = open(image).autoOrient().pipelineColourspace('cmyk').toColourspace('cmyk');
  const samples = await readBytes(image, pipeline);
  return {
    pixels: inkToRgb(samples, multiplyLikeOpenCv),
    width: samples.width,
    height: samples.height,
    channels: 3,
  };
}
