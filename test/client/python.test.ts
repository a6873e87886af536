import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { errorCodeSchema } from '../../shared/contract/errors.ts';
import { startEdgeStack } from '../fixtures/edge-stack.ts';
import { newPicture } from '../fixtures/pictures.ts';
import { toolMissing } from '../formats/real-tool.ts';

const run = promisify(execFile);
const FOLDER = fileURLToPath(new URL('../../client/python/', import.meta.url));
/** Debian's, for which its packages of NumPy, OpenCV and h5py are made. */
const PYTHON = '/usr/bin/python3';
const TIMEOUT_MS = 90_000;
const isMissing = toolMissing('the Python client', PYTHON, '-c', 'import numpy');

function python(...parameters: string[]) {
  const env = { PATH: process.env.PATH, PYTHONPATH: 'src', PYTHONDONTWRITEBYTECODE: '1' };
  return run(PYTHON, parameters, { cwd: FOLDER, env, timeout: TIMEOUT_MS });
}

test('the Python package has the version of the service', () => {
  const project = readFileSync(path.join(FOLDER, 'pyproject.toml'), 'utf8');
  expect(/^version = "(.*)"$/m.exec(project)?.[1]).toBe(manifest.version);
});

describe.skipIf(isMissing)('the Python client', () => {
  test('passes its own tests', { timeout: TIMEOUT_MS }, async () => {
    for (const module of ['cv2', 'h5py'])
      toolMissing(`the Python client's ${module}`, PYTHON, '-c', `import ${module}`);
    // unittest reports on standard error.
    const { stderr } = await python('-W', 'error', '-m', 'unittest', 'discover', '-s', 'tests', '-t', '.');
    expect(stderr).toMatch(/^Ran \d{2,} tests/m);
    expect(stderr).toMatch(/^OK/m);
  });

  test('has an exception for each error code of the service', async () => {
    const { stdout } = await python('-c', 'import edgesift.errors; print(*edgesift.errors.ERRORS_BY_CODE)');
    expect(stdout.trim().split(' ')).toEqual(expect.arrayContaining(errorCodeSchema.options));
  });

  test('detects, matches and converts with a real service', { timeout: TIMEOUT_MS }, async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'edgesift-python-'));
    const stack = await startEdgeStack({ runtime: 'workerd' });
    try {
      const picture = path.join(folder, 'picture.png');
      writeFileSync(picture, await newPicture());
      const { stdout } = await python('-W', 'error', '-m', 'tests.real_service', stack.url, picture);
      expect(stdout).toBe('passed\n');
    } finally {
      await stack.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
