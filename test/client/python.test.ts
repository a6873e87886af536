import { execFile } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { errorCodeSchema } from '../../shared/contract/errors.ts';
import { floatText } from '../../shared/features/float-text.ts';
import { startEdgeStack } from '../fixtures/edge-stack.ts';
import { newImage } from '../fixtures/images.ts';
import { toolMissing } from '../formats/real-tool.ts';

const run = promisify(execFile);
const FOLDER = fileURLToPath(new URL('../../client/python/', import.meta.url));
/** Rendered hills, and no vehicle. */
const LANDSCAPE = fileURLToPath(new URL('../../docs/example/mountains.jpg', import.meta.url));
/** Debian's, for which its packages of NumPy, OpenCV and h5py are made. */
const PYTHON = '/usr/bin/python3';
const TIMEOUT_MS = 90_000;
const isMissing = toolMissing('the Python client', PYTHON, '-c', 'import numpy');

function python(...parameters: string[]) {
  const env = { PATH: process.env.PATH, PYTHONPATH: 'src', PYTHONDONTWRITEBYTECODE: '1' };
  return run(PYTHON, parameters, { cwd: FOLDER, env, timeout: TIMEOUT_MS });
}

async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'edgesift-python-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
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

  test('writes numbers as the service does, halves of the ninth digit included', async () => {
    // Every second number in steps of 1/256 has a tenth digit, which is a five.
    const inSteps = Array.from({ length: 500 }, (_, index) => 64 + index / 256);
    const inFloats = Array.from({ length: 500 }, (_, index) => Math.fround(Math.exp(index / 25 - 12)));
    const numbers = [...inSteps, ...inFloats];
    const script =
      'import json, sys; from edgesift.features import _float_text; ' +
      'print(json.dumps(list(map(_float_text, json.loads(sys.argv[1])))))';
    const { stdout } = await python('-c', script, JSON.stringify(numbers));
    expect(JSON.parse(stdout)).toEqual(numbers.map(floatText));
  });

  test('is installed by pip without a network', { timeout: TIMEOUT_MS }, async ({ skip }) => {
    const tools = 'import setuptools, wheel, pip';
    if (toolMissing('the installation of the Python client', PYTHON, '-c', tools)) return skip();
    await withFolder(async (folder) => {
      // setuptools writes beside what it builds.
      const source = path.join(folder, 'source');
      const target = path.join(folder, 'target');
      cpSync(FOLDER, source, { recursive: true });
      const flags = [
        '--isolated',
        '--quiet',
        '--no-index',
        '--no-build-isolation',
        '--no-deps',
        '--target',
        target,
      ];
      await python('-m', 'pip', 'install', ...flags, source);
      const script = 'import sys; sys.path.insert(0, sys.argv[1]); import edgesift; print(edgesift.__file__)';
      const { stdout } = await python('-c', script, target);
      expect(stdout).toBe(`${path.join(target, 'edgesift', '__init__.py')}\n`);
    });
  });

  test('detects, matches, converts and classifies with a real service', { timeout: TIMEOUT_MS }, async () => {
    const stack = await startEdgeStack({ runtime: 'workerd', edgeEnvironment: { REDIS_TIMEOUT_MS: '3000' } });
    try {
      await withFolder(async (folder) => {
        const image = path.join(folder, 'image.png');
        writeFileSync(image, await newImage());
        const script = ['-W', 'error', '-m', 'tests.real_service', stack.url, image, LANDSCAPE];
        const { stdout } = await python(...script);
        expect(stdout).toBe('passed\n');
      });
    } finally {
      await stack.stop();
    }
  });
});
