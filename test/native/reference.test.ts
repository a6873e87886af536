import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadNativeAddon, type PixelImage } from '../../origin/native/addon.ts';
import { DEFAULT_SIFT_PARAMETERS, type SiftParameters } from '../../shared/contract/parameters.ts';
import { BYTES_PER_KEYPOINT } from '../../shared/features/payload.ts';
import { IS_THOROUGH } from '../fixtures/thorough.ts';
import { sharedImages, sharedImagesExist } from '../golden/golden.ts';
import { decodeFile, sampleImage, texture } from './images.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const buildFolder = `${root}/build/native-reference`;
const REFERENCE_BYTES = 24 + 128 * 4;

const addon = loadNativeAddon('opencv');

beforeAll(() => {
  const options = { cwd: root, stdio: 'pipe' } as const;
  execFileSync(
    'cmake',
    ['-S', 'origin/native', '-B', buildFolder, '-DCMAKE_BUILD_TYPE=Release', '-DEDGESIFT_TESTS=ON'],
    options,
  );
  execFileSync('cmake', ['--build', buildFolder, '--target', 'opencv_reference', '--parallel'], options);
}, 120_000);

/** One string per feature: its 24 keypoint bytes and its 128 descriptor bytes. */
function referenceFeatures(grey: Uint8Array, width: number, height: number, p: SiftParameters): string[] {
  const { stdout, status, stderr } = spawnSync(
    `${buildFolder}/test/opencv_reference`,
    [width, height, p.nfeatures, p.n_octave_layers, p.contrast_threshold, p.edge_threshold, p.sigma].map(
      String,
    ),
    { input: grey, maxBuffer: 1 << 28 },
  );
  expect(stderr.toString()).toBe('');
  expect(status).toBe(0);
  return Array.from({ length: stdout.length / REFERENCE_BYTES }, (_, index) => {
    const feature = stdout.subarray(index * REFERENCE_BYTES, (index + 1) * REFERENCE_BYTES);
    const descriptor = Uint8Array.from({ length: 128 }, (_, i) => feature.readFloatLE(24 + i * 4));
    return feature.subarray(0, 24).toString('hex') + Buffer.from(descriptor).toString('hex');
  });
}

function addonFeatures(payload: ArrayBuffer): string[] {
  const count = payload.byteLength / BYTES_PER_KEYPOINT;
  const bytes = Buffer.from(payload);
  const columns = [8, 4, 4, 4, 4, 128];
  return Array.from({ length: count }, (_, index) => {
    let start = 0;
    return columns
      .map((width) => {
        const value = bytes.toString('hex', start + index * width, start + (index + 1) * width);
        start += count * width;
        return value;
      })
      .join('');
  });
}

const VARIATIONS: Partial<SiftParameters>[] = [
  { nfeatures: 7 },
  { n_octave_layers: 5, contrast_threshold: 0 },
  { edge_threshold: 2, sigma: 0.7 },
  { sigma: 3.1, contrast_threshold: 0.01 },
];

function expectEqualFeatures(image: PixelImage, variation: Partial<SiftParameters>): void {
  const parameters = { ...DEFAULT_SIFT_PARAMETERS, ...variation };
  const ours = addonFeatures(addon.extract(image, parameters));
  const theirs = referenceFeatures(addon.toGrey(image), image.width, image.height, parameters);
  if (parameters.nfeatures === 0) {
    expect(ours.toSorted()).toEqual(theirs.toSorted());
    return;
  }
  // OpenCV keeps all keypoints that tie with the last; we keep exactly the number asked for.
  expect(ours).toHaveLength(Math.min(parameters.nfeatures, theirs.length));
  expect(new Set(ours).difference(new Set(theirs)).size).toBe(0);
}

describe('at the native dispatch level, every value is that of cv::SIFT', () => {
  test.each(VARIATIONS)('%j', async (variation) => {
    for (const image of [await sampleImage(), texture(301, 200), texture(64, 333)]) {
      expectEqualFeatures(image, variation);
    }
  });

  // Others are left to thorough runs: the keypoints of all are compared with golden data in equality.test.ts.
  const images = sharedImages.slice(0, IS_THOROUGH ? sharedImages.length : 2);
  test.skipIf(!sharedImagesExist).each(images)('$name', async ({ path }) => {
    const image = await decodeFile(path);
    expectEqualFeatures(image, {});
    expectEqualFeatures(image, { nfeatures: 100 });
  });
});

test('cv::SIFT keeps ties beyond nfeatures, the addon never does', async () => {
  const image = await sampleImage();
  const grey = addon.toGrey(image);
  const exceeding = Array.from({ length: 30 }, (_, index) => index + 1).filter((nfeatures) => {
    const parameters = { ...DEFAULT_SIFT_PARAMETERS, nfeatures };
    expect(addon.extract(image, parameters).byteLength).toBe(nfeatures * BYTES_PER_KEYPOINT);
    return referenceFeatures(grey, image.width, image.height, parameters).length > nfeatures;
  });
  expect(exceeding.length).toBeGreaterThan(0);
});
