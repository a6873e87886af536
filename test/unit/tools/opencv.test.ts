import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { findOpenCv } from '../../../tools/set-up/opencv.ts';

let prefix: string;

beforeEach(() => {
  prefix = mkdtempSync(path.join(tmpdir(), 'opencv-'));
  vi.stubEnv('CMAKE_PREFIX_PATH', prefix);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(prefix, { recursive: true });
});

test.each([
  ['include/opencv4', 'features2d.hpp'],
  ['include/opencv5', 'features.hpp'],
  ['include', 'features2d.hpp'],
  ['include/aarch64-linux-gnu/opencv4', 'features2d.hpp'],
])('finds the headers in %s, with their version', (folder, moduleHeader) => {
  installHeaders(folder, moduleHeader);
  expect(findOpenCv()).toEqual({ includeDirectory: path.join(prefix, folder), version: '9.8.7' });
});

test('does not take an OpenCV without its features module', () => {
  installHeaders('include/opencv4', 'imgproc.hpp');
  expect(findOpenCv()?.version).not.toBe('9.8.7');
});

function installHeaders(folder: string, moduleHeader: string): void {
  const headers = path.join(prefix, folder, 'opencv2');
  mkdirSync(path.join(headers, 'core'), { recursive: true });
  for (const name of [moduleHeader, 'calib3d.hpp', 'photo.hpp']) writeFileSync(path.join(headers, name), '');
  writeFileSync(
    path.join(headers, 'core', 'version.hpp'),
    '#define CV_VERSION_MAJOR    9\n#define CV_VERSION_MINOR    8\n#define CV_VERSION_REVISION 7\n',
  );
}
