import { decode as decodePng } from 'fast-png';
import { decode as decodeJpeg } from 'jpeg-js';
import { UsageError } from '../exit.ts';

/** RGB, 8 bits, row by row. */
export interface Pixels {
  width: number;
  height: number;
  rgb: Uint8Array<ArrayBuffer>;
}

export function blank(width: number, height: number): Pixels {
  return { width, height, rgb: new Uint8Array(3 * width * height) };
}

/**
 * Decodes an image to be looked at. Only the formats that small decoders read: the command line has no native parts.
 *
 * @throws UsageError for another format, and for an image that these decoders cannot read
 */
export function decodePixels(file: Uint8Array<ArrayBuffer>): Pixels {
  const decode = decoderOf(file);
  if (!decode) throw new UsageError('Only JPEG and PNG images can be drawn.');
  try {
    return decode(file);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`The image cannot be drawn: ${reason}.`);
  }
}

function decoderOf(file: Uint8Array): ((file: Uint8Array<ArrayBuffer>) => Pixels) | undefined {
  if (file[0] === 0xff && file[1] === 0xd8) return fromJpeg;
  return file[0] === 0x89 && file[1] === 0x50 ? fromPng : undefined;
}

function fromJpeg(file: Uint8Array<ArrayBuffer>): Pixels {
  const { width, height, data } = decodeJpeg(file, {
    useTArray: true,
    formatAsRGBA: false,
    maxMemoryUsageInMB: 2048,
    maxResolutionInMP: 100,
  });
  return { width, height, rgb: new Uint8Array(data) };
}

function fromPng(file: Uint8Array<ArrayBuffer>): Pixels {
  const { width, height, data, channels, depth, palette } = decodePng(file);
  if (depth < 8 || palette) throw new UsageError('PNG images with a palette or few bits cannot be drawn.');
  const image = blank(width, height);
  const isGrey = channels < 3;
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    for (let channel = 0; channel < 3; channel += 1) {
      const value = data[pixel * channels + (isGrey ? 0 : channel)] ?? 0;
      image.rgb[3 * pixel + channel] = depth === 16 ? value >> 8 : value;
    }
  }
  return image;
}
