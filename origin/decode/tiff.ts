import type { PixelImage } from '../native/addon.ts';
import { inkToRgb, multiplyLikeLibtiff } from './cmyk.ts';
import { damaged, unsupportedKind } from './errors.ts';
import { type EncodedImage, open, readBytes, readWords, type Samples } from './libvips.ts';
import { readTiffTags, type TiffTags } from './tiff-tags.ts';

const PHOTOMETRIC = { whiteIsZero: 0, blackIsZero: 1, rgb: 2, palette: 3, cmyk: 5, ycbcr: 6 };
const JPEG_COMPRESSION = 7;
const ASSOCIATED_ALPHA = 1;
const UNASSOCIATED_ALPHA = 2;

/**
 * TIFF as `cv2.imread` reads it, which is libtiff's RGBA interface: colours with unassociated alpha are
 * multiplied by it, those with associated alpha stay multiplied, 16-bit colours are rounded to 8 bits.
 */
export async function decodeTiff(image: EncodedImage): Promise<PixelImage> {
  const tags = readTiffTags(image.bytes);
  if (!tags) throw damaged('tiff');
  refuseUnsupported(tags);

  if (tags.photometric === PHOTOMETRIC.cmyk) return decodeInk(image);
  const isRgb = tags.photometric === PHOTOMETRIC.rgb;
  const hasKnownAlpha =
    tags.extraSample === ASSOCIATED_ALPHA || (isRgb && tags.extraSample === UNASSOCIATED_ALPHA);
  if (tags.bitsPerSample === 16 && (isRgb || hasKnownAlpha)) return decodeWords(image, tags);
  if (hasKnownAlpha) return decodeAlpha(image, tags);
  const { data, ...size } = await readBytes(
    image,
    open(image).autoOrient().removeAlpha().toColourspace('srgb'),
  );
  return { pixels: data, width: size.width, height: size.height, channels: 3 };
}

function refuseUnsupported(tags: TiffTags): void {
  const { bitsPerSample, compression, photometric, sampleFormat, samplesPerPixel } = tags;
  if (!Object.values(PHOTOMETRIC).includes(photometric)) {
    throw unsupportedKind('tiff', `of photometric interpretation ${photometric}`);
  }
  // libvips would pass such luma and chroma off as red, green and blue.
  if (photometric === PHOTOMETRIC.ycbcr && compression !== JPEG_COMPRESSION) {
    throw unsupportedKind('tiff', 'of YCbCr colours without JPEG compression');
  }
  const isUnsigned = sampleFormat === 1 || sampleFormat === 4;
  if (!isUnsigned) throw unsupportedKind('tiff', 'with signed or floating-point samples');
  const depths = photometric === PHOTOMETRIC.cmyk ? [8] : [1, 2, 4, 8, 16];
  if (!depths.includes(bitsPerSample)) throw unsupportedKind('tiff', `with ${bitsPerSample}-bit samples`);
  if (samplesPerPixel > 4) throw unsupportedKind('tiff', 'with more than four samples per pixel');
}

async function decodeInk(image: EncodedImage): Promise<PixelImage> {
  const samples = await readBytes(
    image,
    open(image).autoOrient().pipelineColourspace('cmyk').toColourspace('cmyk'),
  );
  return asImage(samples, inkToRgb(samples, multiplyLikeLibtiff));
}

async function decodeAlpha(image: EncodedImage, { extraSample }: TiffTags): Promise<PixelImage> {
  const samples = await readBytes(image, open(image).autoOrient().toColourspace('srgb'));
  const multiply = extraSample === ASSOCIATED_ALPHA ? remultiply(255) : multiplyByAlpha;
  return asImage(samples, toRgb(samples, multiply));
}

async function decodeWords(image: EncodedImage, tags: TiffTags): Promise<PixelImage> {
  const samples = await readWords(
    image,
    open(image).autoOrient().pipelineColourspace('rgb16').toColourspace('rgb16'),
  );
  const toByte = tags.photometric === PHOTOMETRIC.rgb ? nearestByte : highByte;
  const restore = remultiply(65535);
  return asImage(
    samples,
    toRgb(samples, (value, alpha) => {
      if (tags.extraSample === ASSOCIATED_ALPHA) return toByte(restore(value, alpha));
      if (tags.extraSample === UNASSOCIATED_ALPHA) return multiplyByAlpha(toByte(value), toByte(alpha));
      return toByte(value);
    }),
  );
}

/** Drops a fourth channel, after `convert` has seen it beside each colour value. */
function toRgb(
  { data, width, height, channels }: Samples<Uint8Array | Uint16Array>,
  convert: (value: number, alpha: number) => number,
): Uint8Array {
  const rgb = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; to < rgb.length; from += channels, to += 3) {
    const alpha = data[from + 3] ?? 0;
    rgb[to] = convert(data[from] ?? 0, alpha);
    rgb[to + 1] = convert(data[from + 1] ?? 0, alpha);
    rgb[to + 2] = convert(data[from + 2] ?? 0, alpha);
  }
  return rgb;
}

/** libtiff's rounding of colour times alpha. */
function multiplyByAlpha(value: number, alpha: number): number {
  return Math.floor((value * alpha + 127) / 255);
}

/**
 * Undoes libvips' division by an associated alpha. It rounds down, so rounding up gives back the stored value
 * wherever that does not exceed its alpha, as it must not.
 */
function remultiply(max: number): (value: number, alpha: number) => number {
  return (value, alpha) => Math.ceil((value * alpha) / max);
}

/** libtiff's 16 to 8 bits for colour. */
function nearestByte(value: number): number {
  return Math.floor((value + 128) / 257);
}

/** libtiff's 16 to 8 bits for grey. */
function highByte(value: number): number {
  return value >> 8;
}

function asImage({ width, height }: Samples<Uint8Array | Uint16Array>, pixels: Uint8Array): PixelImage {
  return { pixels, width, height, channels: 3 };
}
