import { ServiceError } from './contract/errors.ts';
import type { ImageLimits } from './contract/limits.ts';
import { foreignFormatOf } from './foreign-format.ts';

/** Formats for feature extraction. */
export const FEATURE_IMAGE_FORMATS = ['jpeg', 'png', 'bmp', 'tiff', 'webp'] as const;
export type FeatureImageFormat = (typeof FEATURE_IMAGE_FORMATS)[number];
/** Formats for vehicle classification, which include the former; only the first frame of a GIF is used. */
export const VEHICLE_IMAGE_FORMATS = [...FEATURE_IMAGE_FORMATS, 'gif'] as const;
export type VehicleImageFormat = (typeof VEHICLE_IMAGE_FORMATS)[number];

/** What an image file says of itself before anything is decoded. */
export interface ImageHeader<Format extends VehicleImageFormat = FeatureImageFormat> {
  format: Format;
  /** Columns as stored, before any EXIF orientation is applied. */
  width: number;
  /** Rows as stored, before any EXIF orientation is applied. */
  height: number;
}

export type VehicleImageHeader = ImageHeader<VehicleImageFormat>;

interface Size {
  width: number;
  height: number;
}

/**
 * Reads format and dimensions from magic bytes and header fields; the file name plays no part.
 *
 * @throws ServiceError `INVALID_IMAGE` when the bytes are of no supported format or the header is cut short or
 *   contradicts itself.
 */
export function readImageHeader(bytes: Uint8Array): ImageHeader {
  return readHeaderOf(bytes, FEATURE_IMAGE_FORMATS);
}

/** The same for an image that may be a GIF too. Errors as of {@link readImageHeader}. */
export function readVehicleImageHeader(bytes: Uint8Array): VehicleImageHeader {
  return readHeaderOf(bytes, VEHICLE_IMAGE_FORMATS);
}

function readHeaderOf<Format extends VehicleImageFormat>(
  bytes: Uint8Array,
  formats: readonly Format[],
): ImageHeader<Format> {
  if (bytes.length === 0) throw invalidImage('The image is empty.', formats);
  const found = formatOf(bytes);
  const format = formats.find((candidate) => candidate === found);
  if (!format) throw unsupportedImage(bytes, formats);
  const size = sizeOf(format, new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  if (!size || size.width < 1 || size.height < 1) {
    throw invalidImage(`The header of this ${format.toUpperCase()} image is damaged or incomplete.`, formats);
  }
  return { format, ...size };
}

/** @throws ServiceError `IMAGE_TOO_LARGE`, whose details say which limit. */
export function checkByteLength(byteLength: number, limits: ImageLimits): void {
  if (byteLength <= limits.maxBytes) return;
  throw new ServiceError('IMAGE_TOO_LARGE', `The image file is larger than ${limits.maxBytes} bytes.`, {
    details: { limit: 'bytes', max: limits.maxBytes, actual: byteLength },
  });
}

/** @throws ServiceError `IMAGE_TOO_LARGE`, whose details say which limit. */
export function checkPixelCount({ width, height }: Size, limits: ImageLimits): void {
  if (width * height <= limits.maxPixels) return;
  throw new ServiceError('IMAGE_TOO_LARGE', `The image has more than ${limits.maxPixels} pixels.`, {
    details: { limit: 'pixels', max: limits.maxPixels, actual: width * height, width, height },
  });
}

function unsupportedImage(bytes: Uint8Array, formats: readonly VehicleImageFormat[]): ServiceError {
  const foreign = foreignFormatOf(bytes);
  const names = formats.includes('gif')
    ? 'JPEG, PNG, BMP, TIFF, WebP or GIF'
    : 'JPEG, PNG, BMP, TIFF or WebP';
  if (!foreign) return invalidImage(`The content is not a ${names} image.`, formats);
  return new ServiceError('INVALID_IMAGE', `The format ${foreign} is not supported. Send ${names}.`, {
    details: { format: foreign, supported: formats },
  });
}

const EXTENSIONS: ReadonlySet<string> = new Set([
  ...['jpg', 'jpeg', 'jpe', 'jfif', 'png', 'bmp', 'dib', 'tif', 'tiff', 'webp'],
]);

/** Whether a name ends as those of image files do. */
export function hasImageExtension(fileName: string): boolean {
  const extension = /\.([^./\\]*)$/.exec(fileName)?.[1];
  return extension !== undefined && EXTENSIONS.has(extension.toLowerCase());
}

function invalidImage(message: string, formats: readonly VehicleImageFormat[]): ServiceError {
  return new ServiceError('INVALID_IMAGE', message, { details: { supported: formats } });
}

const ascii = (text: string) => Array.from(text, (character) => character.charCodeAt(0));

const MAGIC: readonly { format: VehicleImageFormat; at: number; bytes: readonly number[] }[] = [
  { format: 'jpeg', at: 0, bytes: [0xff, 0xd8, 0xff] },
  { format: 'png', at: 0, bytes: [0x89, ...ascii('PNG\r\n'), 0x1a, 0x0a] },
  { format: 'tiff', at: 0, bytes: [...ascii('II'), 42, 0] },
  { format: 'tiff', at: 0, bytes: [...ascii('MM'), 0, 42] },
  { format: 'webp', at: 8, bytes: ascii('WEBP') },
  { format: 'bmp', at: 0, bytes: ascii('BM') },
  { format: 'gif', at: 0, bytes: ascii('GIF87a') },
  { format: 'gif', at: 0, bytes: ascii('GIF89a') },
];

function formatOf(bytes: Uint8Array): VehicleImageFormat | undefined {
  return MAGIC.find((magic) => magic.bytes.every((byte, index) => bytes[magic.at + index] === byte))?.format;
}

function sizeOf(format: VehicleImageFormat, view: DataView): Size | undefined {
  try {
    return READERS[format](view);
  } catch (error) {
    // DataView refuses every read past the end: the header is cut short.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

const READERS: Record<VehicleImageFormat, (view: DataView) => Size | undefined> = {
  jpeg: jpegSize,
  png: pngSize,
  bmp: bmpSize,
  tiff: tiffSize,
  webp: webpSize,
  gif: gifSize,
};

/**
 * ITU-T T.81, B.1 and B.2.2: walks the marker segments up to the frame header (SOF), as libjpeg and browsers do: bytes
 * that are no marker (also 0xff with a stuffed 0) are passed over, and a segment's length is at least its own two bytes.
 */
function jpegSize(view: DataView): Size | undefined {
  let position = nextMarker(view, 2);
  for (;;) {
    const marker = view.getUint8(position);
    if (isFrameHeader(marker)) {
      return { height: view.getUint16(position + 4), width: view.getUint16(position + 6) };
    }
    // A second start, a scan or the end of the image before any frame header.
    if (marker === 0xd8 || marker === 0xda || marker === 0xd9) return undefined;
    const length = isStandaloneMarker(marker) ? 0 : Math.max(2, view.getUint16(position + 1));
    position = nextMarker(view, position + 1 + length);
  }
}

/** Position of the code of the first marker at or behind `from`: behind 0xff, neither 0 nor another 0xff. */
function nextMarker(view: DataView, from: number): number {
  let position = from;
  for (;;) {
    while (view.getUint8(position) !== 0xff) position += 1;
    while (view.getUint8(position) === 0xff) position += 1;
    if (view.getUint8(position) !== 0) return position;
  }
}

/** SOF0 to SOF15 without the three markers of that range with other meanings: DHT, JPG, DAC. */
function isFrameHeader(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

function isStandaloneMarker(marker: number): boolean {
  return marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7);
}

/** W3C PNG, 11.2.2: IHDR is the first chunk and 13 bytes long. */
function pngSize(view: DataView): Size | undefined {
  const isHeaderChunk = view.getUint32(8) === 13 && view.getUint32(12) === 0x49484452;
  return isHeaderChunk ? { width: view.getUint32(16), height: view.getUint32(20) } : undefined;
}

/** BITMAPCOREHEADER (12 bytes, 16-bit sizes) or any later header; a negative height means rows top-down. */
function bmpSize(view: DataView): Size | undefined {
  const headerLength = view.getUint32(14, true);
  if (headerLength === 12) return { width: view.getUint16(18, true), height: view.getUint16(20, true) };
  if (headerLength < 16 || headerLength > 124) return undefined;
  return { width: view.getInt32(18, true), height: Math.abs(view.getInt32(22, true)) };
}

/** TIFF 6.0, section 2: ImageWidth (256) and ImageLength (257) of the first directory. */
function tiffSize(view: DataView): Size | undefined {
  const littleEndian = view.getUint8(0) === 0x49;
  const directory = view.getUint32(4, littleEndian);
  const entries = view.getUint16(directory, littleEndian);
  const size: Size = { width: 0, height: 0 };
  for (let entry = 0; entry < entries; entry += 1) {
    const at = directory + 2 + entry * 12;
    const tag = view.getUint16(at, littleEndian);
    if (tag === 256) size.width = tiffInteger(view, at, littleEndian);
    if (tag === 257) size.height = tiffInteger(view, at, littleEndian);
    if (size.width && size.height) return size;
  }
  return undefined;
}

/** The single SHORT (3) or LONG (4) of a directory entry; 0 for any other type. */
function tiffInteger(view: DataView, entry: number, littleEndian: boolean): number {
  const type = view.getUint16(entry + 2, littleEndian);
  if (type === 3) return view.getUint16(entry + 8, littleEndian);
  if (type === 4) return view.getUint32(entry + 8, littleEndian);
  return 0;
}

/** GIF89a, 18: the logical screen, in which all frames lie. */
function gifSize(view: DataView): Size | undefined {
  return { width: view.getUint16(6, true), height: view.getUint16(8, true) };
}

/** RFC 9649: simple lossy (`VP8 `), simple lossless (`VP8L`) and extended (`VP8X`) files. */
function webpSize(view: DataView): Size | undefined {
  if (view.getUint32(0) !== 0x52494646) return undefined;
  const chunk = view.getUint32(12);
  if (chunk === 0x56503820) return vp8Size(view);
  if (chunk === 0x5650384c) return vp8lSize(view);
  if (chunk === 0x56503858) return { width: 1 + uint24(view, 24), height: 1 + uint24(view, 27) };
  return undefined;
}

/** RFC 6386, 9.1: a key frame's start code, then 14 bits each of width and height. */
function vp8Size(view: DataView): Size | undefined {
  if (uint24(view, 23) !== 0x2a019d) return undefined;
  return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
}

/** RFC 9649, 3.4: signature byte, then 14 bits each of width - 1 and height - 1. */
function vp8lSize(view: DataView): Size | undefined {
  if (view.getUint8(20) !== 0x2f) return undefined;
  const bits = view.getUint32(21, true);
  return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) };
}

function uint24(view: DataView, at: number): number {
  return view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
}
