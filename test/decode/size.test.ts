import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeImage } from '../../origin/decode/decode.ts';
import { loadNativeAddon } from '../../origin/native/addon.ts';
import { ServiceError } from '../../shared/contract/errors.ts';
import { type ImageHeader, readImageHeader } from '../../shared/image-header.ts';
import { IS_THOROUGH } from '../fixtures/thorough.ts';
import { ownImages } from '../golden/golden.ts';

const addon = loadNativeAddon();
const MOST_PIXELS = 1_000_000;
const RUNS = IS_THOROUGH ? 10_000 : 200;

const images = ownImages.map(({ path }) => new Uint8Array(readFileSync(path)));

function headerOf(bytes: Uint8Array): ImageHeader | undefined {
  try {
    return readImageHeader(bytes);
  } catch (error) {
    expect(error).toMatchObject({ code: 'INVALID_IMAGE' });
    return undefined;
  }
}

test.each(['jpeg', 'png', 'bmp', 'tiff', 'webp'])(
  'the size that the header reader finds in a changed %s is the one that is decoded, or the file is refused',
  async (format) => {
    let decoded = 0;
    const ofFormat = images.filter((bytes) => headerOf(bytes)?.format === format);
    const place = fc.tuple(fc.integer({ min: 3, max: 300 }), fc.boolean());
    const edits = fc.array(fc.tuple(place, fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...ofFormat), edits, async (bytes, changes) => {
        const changed = Uint8Array.from(bytes);
        for (const [[distance, fromEnd], value] of changes) {
          changed[fromEnd ? changed.length - distance : distance] = value;
        }
        const header = headerOf(changed);
        if (!header || header.width * header.height > MOST_PIXELS) return;
        const options = { header, orientation: 'ignore', colours: false } as const;
        const result = await decodeImage(addon, changed, options).catch((error: unknown) => error);
        if (result instanceof ServiceError) {
          expect(result.code).toBe('IMAGE_READ_ERROR');
          return;
        }
        decoded += 1;
        expect(result).toMatchObject({ width: header.width, height: header.height });
      }),
      { numRuns: RUNS },
    );
    // Every byte of a PNG is under a checksum.
    if (format !== 'png') expect(decoded).toBeGreaterThan(0);
  },
  300_000,
);
