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
import { DEFAULT_SIFT_PARAMETERS, parseDetectParameters } from '../../shared/contract/parameters.ts';
import { colmapText } from '../../shared/features/colmap.ts';
import { DESCRIPTOR_LENGTH } from '../../shared/features/descriptor.ts';
import { floatText } from '../../shared/features/float-text.ts';
import {
  BYTES_PER_KEYPOINT,
  decodePayload,
  encodePayload,
  type FeatureMetadata,
} from '../../shared/features/payload.ts';
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

const METADATA: FeatureMetadata = {
  extractor: { name: 'edgesift', version: '1' },
  parameters: DEFAULT_SIFT_PARAMETERS,
  image: { sha256: 'a'.repeat(64), format: 'png', width: 4000, height: 3000, bytes: 1234 },
};

/** Numbers in [0, 1), the same in every run: a linear congruential generator (Numerical Recipes, 7.1). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

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

  test("writes COLMAP's text byte for byte as the service does, whatever the features are", async () => {
    const count = 300;
    const tensors = new Uint8Array(count * BYTES_PER_KEYPOINT);
    const random = seeded(1);
    const floats = new Float32Array(tensors.buffer, 0, 5 * count);
    // Positions (of which some are halves of a step), sizes, angles and responses of all magnitudes.
    for (let index = 0; index < floats.length; index += 1) {
      floats[index] = index % 3 === 0 ? Math.round(random() * 1e6) / 256 : 360 * random() ** 9;
    }
    const descriptors = tensors.subarray(count * (BYTES_PER_KEYPOINT - DESCRIPTOR_LENGTH));
    // The first row is empty; others have from few to all elements.
    for (let index = DESCRIPTOR_LENGTH; index < descriptors.length; index += 1) {
      descriptors[index] = random() < (index % 7) / 6 ? 256 * random() : 0;
    }
    const payload = encodePayload(METADATA, tensors);
    await withFolder(async (folder) => {
      const file = path.join(folder, 'image.safetensors');
      writeFileSync(file, payload);
      for (const rootSift of [false, true]) {
        const script =
          'import sys, edgesift; features = edgesift.read_features(open(sys.argv[1], "rb").read()); ' +
          'sys.stdout.write(features.to_colmap_txt(root_sift=sys.argv[2] == "true"))';
        const { stdout } = await python('-c', script, file, String(rootSift));
        const expected = [...colmapText(decodePayload(payload).features, { rootSift })].join('');
        expect(stdout === expected, `rootSift: ${rootSift}`).toBe(true);
      }
    });
  });

  test('writes parameters so that the service reads the same values', async () => {
    const script =
      'import json; from edgesift.transport import query_text; ' +
      'values = [0.04, .04, 4e-2, 1e-05, 1/3e5, 1.2345678901234567e-06, 0.1 + 0.2, 1.0, 1e-7]; ' +
      'print(json.dumps([[value, query_text(dict(contrast_threshold=value, root_sift=True, denoise=False, ' +
      'nfeatures=5, sigma=None))] for value in values]))';
    const { stdout } = await python('-c', script);
    const written: [value: number, query: string][] = JSON.parse(stdout);
    expect(written).toHaveLength(9);
    for (const [value, query] of written) {
      const { sift, representation } = parseDetectParameters(new URLSearchParams(query));
      expect(sift, query).toEqual({ ...DEFAULT_SIFT_PARAMETERS, contrast_threshold: value, nfeatures: 5 });
      expect(representation.root_sift, query).toBe(true);
    }
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
