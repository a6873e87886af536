import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { decodeImage } from '../../origin/decode/decode.ts';
import { loadNativeAddon } from '../../origin/native/addon.ts';
import { ServiceError } from '../../shared/contract/errors.ts';
import { readImageHeader } from '../../shared/image-header.ts';
import { sharedDataMissing } from '../fixtures/images.ts';
import { type ImageFile, ownImages, REFUSED, sharedImages } from '../golden/golden.ts';

const addon = loadNativeAddon();

async function decode({ path }: ImageFile, colours = true) {
  const bytes = readFileSync(path);
  return decodeImage(addon, bytes, { header: readImageHeader(bytes), orientation: 'apply', colours });
}

async function expectGoldenPixels(image: ImageFile): Promise<void> {
  const { pixels, width, height, channels } = await decode(image);
  const pixels_sha256 = createHash('sha256').update(pixels).digest('hex');
  expect({ width, height, channels, length: pixels.length, pixels_sha256 }).toEqual({
    width: image.expected?.width,
    height: image.expected?.height,
    channels: 3,
    length: width * height * 3,
    pixels_sha256: image.expected?.pixels_sha256,
  });
  const grey = await decode(image, false);
  const grey_sha256 = createHash('sha256').update(addon.toGrey(grey)).digest('hex');
  expect({ width: grey.width, height: grey.height, grey_sha256 }).toEqual({
    width,
    height,
    grey_sha256: image.expected?.grey_sha256,
  });
}

/** Files that cv2 4.6 does not read, although nothing is doubtful about their pixels. */
const READ_BEYOND_CV2 = ['tiff-grey2.tif', 'tiff-grey4.tif', 'tiff-palette4.tif'];

describe('pixels are those of cv2.imread', () => {
  const readable = ownImages.filter(({ name, expected }) => expected && !REFUSED.includes(name));
  test.each(readable)('$name', expectGoldenPixels);

  test.skipIf(sharedDataMissing('pixels of real images')).each(sharedImages)(
    'shared: $name',
    expectGoldenPixels,
  );
});

const unreadable = ownImages.filter(({ name, expected }) => !expected || REFUSED.includes(name));

test.each(unreadable.filter(({ name }) => READ_BEYOND_CV2.includes(name)))(
  '$name is read although cv2 4.6 does not',
  async (image) => {
    const { width, height, pixels } = await decode(image);
    expect([width, height, new Set(pixels).size > 2]).toEqual([83, 61, true]);
  },
);

test.each(unreadable.filter(({ name }) => !READ_BEYOND_CV2.includes(name)))(
  '$name is refused with a clear error',
  async (image) => {
    const error = await decode(image).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ServiceError);
    expect(error).toMatchObject({
      code: 'IMAGE_READ_ERROR',
      message: expect.stringMatching(/^(BMP|TIFF) images .* are not supported\.$/),
    });
  },
);
