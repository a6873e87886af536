import sharp, { type Sharp } from 'sharp';
import { decodeImage } from '../origin/decode/decode.ts';
import { loadNativeAddon, type PixelImage } from '../origin/native/addon.ts';
import { readImageHeader } from '../shared/image-header.ts';
import type { Random } from './random.ts';

const addon = loadNativeAddon();
/** As the vehicles' own files: so that the format reveals nothing. */
const JPEG_QUALITY = 85;
const LONGEST = 256;

/** Space around a vehicle, as shares of the image's sides: left, top, right, bottom; negative where it is cut. */
export type Margins = [number, number, number, number];

/** @throws Error for a file that no decoder takes */
export async function decodePhoto(bytes: Uint8Array): Promise<PixelImage> {
  const header = readImageHeader(bytes);
  return decodeImage(addon, bytes, { header, orientation: 'apply', colours: true });
}

/**
 * An image of a vehicle as a user would cut it out: looser or tighter, shifted, on its mirrored surroundings or in
 * another scene, sometimes blurred or small.
 */
export async function jittered(
  photo: PixelImage,
  scene: PixelImage | undefined,
  random: Random,
): Promise<{ image: PixelImage; margins: Margins }> {
  const looseness = random.between(0, 0.25);
  const side = () => Math.max(-0.06, looseness + random.between(-0.08, 0.08));
  const { width, height } = photo;
  const [left, top, right, bottom] = [
    Math.round(side() * width),
    Math.round(side() * height),
    Math.round(side() * width),
    Math.round(side() * height),
  ];
  const cut = (value: number) => Math.max(0, -value);
  const kept = await toImage(
    fromImage(photo).extract({
      left: cut(left),
      top: cut(top),
      width: width - cut(left) - cut(right),
      height: height - cut(top) - cut(bottom),
    }),
  );
  const space = {
    left: Math.max(0, left),
    top: Math.max(0, top),
    right: Math.max(0, right),
    bottom: Math.max(0, bottom),
  };
  const inScene = scene !== undefined && random.next() < 0.5;
  const placed = inScene
    ? await placeInScene(kept, scene, space, random)
    : await toImage(fromImage(kept).extend({ ...space, extendWith: 'mirror' }));
  const [fullWidth, fullHeight] = [width + left + right, height + top + bottom];
  return {
    image: await degraded(placed, random),
    margins: [left / fullWidth, top / fullHeight, right / fullWidth, bottom / fullHeight],
  };
}

/** Part of an image that shows no vehicle, in the form of the vehicles' files. */
export async function withoutVehicle(photo: PixelImage, whole: boolean, random: Random): Promise<PixelImage> {
  const part = whole ? photo : await toImage(fromImage(photo).extract(somePart(photo, random)));
  const bytes = await fromImage(part)
    .resize({ width: LONGEST, height: LONGEST, fit: 'inside' })
    .jpeg({ quality: JPEG_QUALITY })
    .toBuffer();
  return degraded(await decodePhoto(bytes), random);
}

/** A vehicle in a scene of `width` × `height` pixels: its box takes `share` of the area. */
export async function composite(
  photo: PixelImage,
  scene: PixelImage,
  width: number,
  height: number,
  share: number,
  random: Random,
): Promise<{ image: PixelImage; box: { x: number; y: number; width: number; height: number } }> {
  const aspect = photo.width / photo.height;
  const wanted = Math.sqrt(share * width * height * aspect);
  const boxWidth = Math.round(Math.min(wanted, width * 0.95, height * 0.95 * aspect));
  const boxHeight = Math.round(boxWidth / aspect);
  const x = random.below(width - boxWidth + 1);
  const y = random.below(height - boxHeight + 1);
  const vehicle = await fromImage(photo)
    .resize({ width: boxWidth, height: boxHeight, fit: 'fill' })
    .png()
    .toBuffer();
  const image = await toImage(
    sharp(
      await fromImage(scene)
        .resize({ width, height, fit: 'cover' })
        .composite([{ input: vehicle, left: x, top: y }])
        .png()
        .toBuffer(),
    ),
  );
  return { image, box: { x, y, width: boxWidth, height: boxHeight } };
}

/** @param grow added on each side, as a share of it; the surroundings are mirrored */
export async function looser(photo: PixelImage, grow: number): Promise<PixelImage> {
  const x = Math.round(photo.width * grow);
  const y = Math.round(photo.height * grow);
  return toImage(fromImage(photo).extend({ left: x, right: x, top: y, bottom: y, extendWith: 'mirror' }));
}

/** Moved by a share of the sides: what leaves is cut, what enters is mirrored. */
export async function shifted(photo: PixelImage, share: number): Promise<PixelImage> {
  const x = Math.round(photo.width * share);
  const y = Math.round(photo.height * share);
  const kept = await toImage(
    fromImage(photo).extract({ left: 0, top: 0, width: photo.width - x, height: photo.height - y }),
  );
  return toImage(fromImage(kept).extend({ left: x, top: y, extendWith: 'mirror' }));
}

export async function blurred(photo: PixelImage, sigma: number): Promise<PixelImage> {
  return toImage(fromImage(photo).blur(sigma));
}

function somePart(photo: PixelImage, random: Random) {
  const aspect = random.between(0.8, 2.2);
  const scale = random.between(0.35, 1);
  const width = Math.round(scale * Math.min(photo.width, photo.height * aspect));
  const height = Math.round(Math.min(photo.height, width / aspect));
  return {
    left: random.below(photo.width - width + 1),
    top: random.below(photo.height - height + 1),
    width,
    height,
  };
}

async function placeInScene(
  photo: PixelImage,
  scene: PixelImage,
  space: { left: number; top: number; right: number; bottom: number },
  random: Random,
): Promise<PixelImage> {
  const width = photo.width + space.left + space.right;
  const height = photo.height + space.top + space.bottom;
  const part = await toImage(fromImage(scene).extract(somePart(scene, random)));
  const background = fromImage(part).resize({ width, height, fit: 'cover' });
  const overlay = {
    input: Buffer.from(photo.pixels),
    raw: rawOf(photo),
    left: space.left,
    top: space.top,
  };
  return toImage(background.composite([overlay]));
}

/** A third each: as it is, blurred, smaller. */
async function degraded(photo: PixelImage, random: Random): Promise<PixelImage> {
  const kind = random.below(3);
  const amount = random.next();
  if (kind === 1) return blurred(photo, 0.4 + amount);
  if (kind === 2) {
    const width = Math.max(32, Math.round(photo.width * (0.45 + 0.5 * amount)));
    return toImage(fromImage(photo).resize({ width }));
  }
  return photo;
}

function rawOf({ width, height, channels }: PixelImage) {
  return { width, height, channels };
}

function fromImage(image: PixelImage) {
  return sharp(Buffer.from(image.pixels.buffer, image.pixels.byteOffset, image.pixels.byteLength), {
    raw: rawOf(image),
  });
}

async function toImage(pipeline: Sharp): Promise<PixelImage> {
  const { data, info } = await pipeline
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  if (info.channels !== 3) throw new Error(`unexpected ${info.channels} channels`);
  return { pixels: new Uint8Array(data), width: info.width, height: info.height, channels: 3 };
}
