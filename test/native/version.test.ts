import { expect, test } from 'vitest';
import { loadNativeAddon } from '../../origin/native/addon.ts';
import { PinnedAddon } from './pinned-addon.ts';

async function versionWith(disabled: string): Promise<string> {
  const addon = await PinnedAddon.start({ OPENCV_CPU_DISABLE: disabled });
  addon.stop();
  return addon.engine.version;
}

test('OpenCV is named by OpenCV version and instruction set', () => {
  expect(loadNativeAddon('opencv').engine).toEqual({
    name: 'opencv-sift',
    version: expect.stringMatching(/^\d+\.\d+\.\d+\S*-(avx512|avx2|sse4\.1|baseline|neon)$/),
  });
});

test('our engine is named by a version that is the same on every instruction set', () => {
  expect(loadNativeAddon().engine).toEqual({ name: 'edgesift', version: '1' });
});

test.runIf(process.arch === 'x64')('the version follows what OpenCV is allowed to use', async () => {
  const disabled = ['AVX512-SKX', 'AVX512-SKX,AVX2', 'AVX512-SKX,AVX2,SSE4.1', 'SSE4.1'];
  expect(await Promise.all(disabled.map(versionWith))).toEqual(
    [/-avx2$/, /-sse4\.1$/, /-baseline$/, /-without-sse4\.1$/].map((version) =>
      expect.stringMatching(version),
    ),
  );
});
