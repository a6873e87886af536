import type { NamedImage } from './images.ts';
import { smallImage } from './images.ts';

const TOO_MANY_BYTES = 2 * 1024 * 1024;
export const MAX_IMAGE_BYTES = 1024 * 1024;

/** Files with the names of images that are none, are damaged, or claim what they do not hold. */
export async function hostileImages(): Promise<NamedImage[]> {
  const { bytes: png } = await smallImage(0);
  const { bytes: jpeg } = await smallImage(1);
  const { bytes: webp } = await smallImage(2);
  const text = (content: string) => new TextEncoder().encode(content);
  const files: Record<string, Uint8Array<ArrayBuffer>> = {
    'empty.png': new Uint8Array(0),
    'text.jpg': text('no image'),
    'page.png': text('<!doctype html><title>Not found</title>'),
    'drawing.jpg': text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
    'animation.png': text('GIF89a\u0001\u0000\u0001\u0000'),
    'signature-only.png': png.slice(0, 8),
    'header-only.png': png.slice(0, 33),
    'half.png': png.slice(0, png.length / 2),
    'half.jpg': jpeg.slice(0, jpeg.length / 2),
    'half.webp': webp.slice(0, webp.length / 2),
    'damaged.png': changed(png, png.length >> 1, [0xde, 0xad, 0xbe, 0xef]),
    'no-width.png': changed(png, 16, [0, 0, 0, 0]),
    'bomb.png': changed(png, 16, [0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]),
    'negative.png': changed(png, 16, [0xff, 0xff, 0xff, 0xff]),
    'no-strips.tif': Uint8Array.of(0x49, 0x49, 0x2a, 0, 0xff, 0xff, 0xff, 0x7f),
    'short.bmp': text('BM'),
    'too-large.png': new Uint8Array(TOO_MANY_BYTES),
  };
  return Object.entries(files).map(([name, bytes]) => ({ name: `hostile/${name}`, bytes }));
}

/** Good images whose names are hard to carry through lists, reports and file systems. */
export async function oddlyNamedImages(): Promise<NamedImage[]> {
  const names = [
    'with space.png',
    'comma, "quotes".png',
    'ünïcödé 图.png',
    'a%2Fb.png',
    "it's.png",
    '#1.PNG',
  ];
  return Promise.all(
    names.map(async (name, index) => ({
      name: `odd/${name}`,
      bytes: (await smallImage(999_999 + 3 * index)).bytes,
    })),
  );
}

function changed(
  bytes: Uint8Array<ArrayBuffer>,
  at: number,
  values: readonly number[],
): Uint8Array<ArrayBuffer> {
  const copy = bytes.slice();
  copy.set(values, at);
  return copy;
}
