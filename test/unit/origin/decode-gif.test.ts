import sharp from 'sharp';
import { expect, test } from 'vitest';
import { decodeByLibvips } from '../../../origin/decode/libvips.ts';
import { readVehicleImageHeader } from '../../../shared/image-header.ts';

const RED = { r: 250, g: 0, b: 0 };
const BLUE = { r: 0, g: 0, b: 250 };
const SIDES = { width: 24, height: 10 };

const page = (background: typeof RED) =>
  sharp({ create: { ...SIDES, channels: 3, background } })
    .png()
    .toBuffer();
const animation = async () => {
  const pages = await Promise.all([page(RED), page(BLUE)]);
  return new Uint8Array(
    await sharp(pages, { join: { animated: true } })
      .gif()
      .toBuffer(),
  );
};
const decode = (bytes: Uint8Array) => decodeByLibvips(bytes, readVehicleImageHeader(bytes));

test('the first frame of an animation, at the size that its header has', async () => {
  const bytes = await animation();
  expect((await sharp(bytes).metadata()).pages).toBe(2);
  const { pixels, ...image } = await decode(bytes);
  expect(image).toEqual({ ...SIDES, channels: 3 });
  expect(Array.from(pixels.subarray(0, 3))).toEqual([250, 0, 0]);
});

test('a GIF in grey has three channels too', async () => {
  const background = { r: 90, g: 90, b: 90 };
  const bytes = await sharp({ create: { ...SIDES, channels: 3, background } })
    .gif()
    .toBuffer();
  const { pixels, channels } = await decode(bytes);
  expect(channels).toBe(3);
  expect(Array.from(pixels.subarray(0, 3))).toEqual([90, 90, 90]);
});

test.each([
  [10, 5],
  [640, 480],
  [3000, 2000],
])(
  'a screen of %i × %i that the frame does not fill is decoded as it is, or refused',
  async (width, height) => {
    const bytes = await animation();
    const view = new DataView(bytes.buffer);
    view.setUint16(6, width, true);
    view.setUint16(8, height, true);
    const result: unknown = await decode(bytes).catch((error: unknown) => error);
    const isRefused = result instanceof Error;
    // `decodeImage` refuses every other size than the admitted one; more pixels than admitted never come about.
    if (isRefused) expect(result).toMatchObject({ code: 'IMAGE_READ_ERROR' });
    else {
      const { pixels } = result as { pixels: Uint8Array };
      expect(pixels.length).toBeLessThanOrEqual(3 * width * height);
    }
  },
);

test('a GIF that is cut off before its first frame is refused', async () => {
  const bytes = (await animation()).slice(0, 30);
  await expect(decode(bytes)).rejects.toMatchObject({ code: 'IMAGE_READ_ERROR' });
});
