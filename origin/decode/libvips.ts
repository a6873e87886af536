import sharp, { type Sharp, type SharpOptions } from 'sharp';
import type { ImageFormat } from '../../shared/image-header.ts';
import { damaged, tooManyPixels } from './errors.ts';

// libvips reads many more formats, some by large and often attacked libraries: only these four may ever run.
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({
  operation: [
    'VipsForeignLoadJpegBuffer',
    'VipsForeignLoadPngBuffer',
    'VipsForeignLoadTiffBuffer',
    'VipsForeignLoadWebpBuffer',
  ],
});
// One image per worker thread, and none is ever decoded twice.
sharp.concurrency(1);
sharp.cache(false);

/** An encoded image and the limits that its decoding is held to. */
export interface EncodedImage {
  bytes: Uint8Array;
  format: ImageFormat;
  maxPixels: number;
}

/** Interleaved samples as libvips gives them. */
export interface Samples<Data extends Uint8Array | Uint16Array = Uint8Array> {
  data: Data;
  width: number;
  height: number;
  channels: number;
}

/** The image's first page, with no colour management: sample values as stored. */
export function open({ bytes, maxPixels }: EncodedImage): Sharp {
  const options: SharpOptions = { failOn: 'error', ignoreIcc: true, limitInputPixels: maxPixels };
  return sharp(bytes, options);
}

export async function hasInkChannels(image: EncodedImage): Promise<boolean> {
  return guarded(image, async () => (await open(image).metadata()).space === 'cmyk');
}

export async function readBytes(image: EncodedImage, pipeline: Sharp): Promise<Samples> {
  return guarded(image, async () => {
    const { data, info } = await pipeline.raw().toBuffer({ resolveWithObject: true });
    return { data, width: info.width, height: info.height, channels: info.channels };
  });
}

export async function readWords(image: EncodedImage, pipeline: Sharp): Promise<Samples<Uint16Array>> {
  return guarded(image, async () => {
    const { data, info } = await pipeline.raw({ depth: 'ushort' }).toBuffer({ resolveWithObject: true });
    return {
      data: new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2),
      width: info.width,
      height: info.height,
      channels: info.channels,
    };
  });
}

/** What libvips says is for the log: it names libraries, addresses and code. */
async function guarded<Result>(image: EncodedImage, read: () => Promise<Result>): Promise<Result> {
  try {
    return await read();
  } catch (cause) {
    const isTooLarge = cause instanceof Error && cause.message.includes('exceeds pixel limit');
    throw isTooLarge ? tooManyPixels(image.maxPixels, cause) : damaged(image.format, cause);
  }
}
