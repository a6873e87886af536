import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { IS_THOROUGH, inThorough } from '../fixtures/thorough.ts';
import {
  addonLibraries,
  buildPrograms,
  execute,
  forAarch64,
  imagesIn,
  isInstalled,
  type Programs,
  sharedImages,
} from './build.ts';

const minutes = 60_000;
/** Digests of the features of made-up images. */
const GOLDEN_BYTES = join(import.meta.dirname, '..', 'golden', 'engine-bytes.txt');
let programs: Programs;

beforeAll(async () => {
  programs = await buildPrograms('engine-test', await addonLibraries());
}, 10 * minutes);

async function run(program: string, ...parameters: string[]) {
  const path = programs.path(program);
  if (path === undefined) throw new Error(`${program} was not built`);
  return execute(path, parameters);
}

test('every instruction set of this processor gives the same bytes', { timeout: 5 * minutes }, async () => {
  const { code, output } = await run('instruction_sets');
  expect(output).not.toContain('differs');
  expect(code).toBe(0);
  // As long as the extractor keeps its version. Made by this program: `instruction_sets > test/golden/engine-bytes.txt`.
  expect(output).toBe(readFileSync(GOLDEN_BYTES, 'utf8'));
});

test('dense descriptors and encodings are the same bytes on every instruction set', {
  timeout: 5 * minutes,
}, async () => {
  expect(await run('dense_sets')).toEqual({ code: 0, output: '' });
});

test('parallel work hands on exceptions, and goes on where no thread can be started', {
  timeout: minutes,
}, async () => {
  expect(await run('parallel_tasks')).toEqual({ code: 0, output: '' });
});

test('dense descriptors are those of VLFeat', { timeout: minutes }, async ({ skip }) => {
  if (programs.path('dense_vlfeat') === undefined) return skip('SKIPPED: libvlfeat-dev is not installed');
  const { code, output } = await run('dense_vlfeat');
  expect(code, output).toBe(0);
  const [compared = 0, mean = 0, least = 0] = output.trim().split(' ').map(Number);
  expect(compared).toBeGreaterThan(500);
  expect(mean).toBeGreaterThan(0.999);
  expect(least).toBeGreaterThan(0.99);
});

test('pixels made again for a keypoint that wandered are those of the pyramid', {
  timeout: minutes,
}, async () => {
  expect(await run('window_pixels')).toEqual({ code: 0, output: '' });
});

test('random images, strides and parameters: ordered, unique, sane keypoints', {
  timeout: 5 * minutes,
}, async () => {
  expect(await run('robustness', '--cases', '60')).toEqual({ code: 0, output: '60 cases\n' });
});

test('flat areas give no candidates, work has a limit, and ends early where it is not wanted any more', {
  timeout: minutes,
}, async () => {
  expect(await run('limits')).toEqual({ code: 0, output: '' });
});

const comparisonSchema = z.object({
  image: z.string(),
  reference: z.number(),
  engine: z.number(),
  matched: z.number(),
  identicalDescriptors: z.number(),
  greatestDifference: z.number(),
});
type Comparison = z.infer<typeof comparisonSchema>;

const scoreSchema = z.object({ engine: z.string(), repeatability: z.number(), accuracy: z.number() });

function parseComparisons(output: string): Comparison[] {
  return output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => comparisonSchema.parse(JSON.parse(line)));
}

/** The agreement promised, per image. In a small one a single row is more than the share allowed to differ. */
function expectEquivalence(comparisons: readonly Comparison[]): void {
  for (const c of comparisons) {
    const missing = Math.max(1, Math.floor(Math.max(c.reference, c.engine) * 0.0005));
    expect(c.reference - c.matched, `${c.image}: not found`).toBeLessThan(missing);
    expect(c.engine - c.matched, `${c.image}: not in OpenCV's`).toBeLessThan(missing);
    expect(c.greatestDifference, `${c.image}: descriptors`).toBeLessThanOrEqual(1);
    const different = c.matched - c.identicalDescriptors;
    expect(different, `${c.image}: rows`).toBeLessThanOrEqual(Math.max(2, 0.005 * c.matched));
  }
}

async function compare(...parameters: string[]): Promise<Comparison[]> {
  const { code, output } = await run('compare', ...parameters);
  expect(code, output).toBe(0);
  return parseComparisons(output);
}

function requireReference(skip: (note: string) => void): boolean {
  if (programs.path('compare') !== undefined) return true;
  skip("SKIPPED: OpenCV's development files are not installed");
  return false;
}

test('generated images of odd and tiny sizes: as cv::SIFT', { timeout: 5 * minutes }, async ({ skip }) => {
  if (!requireReference(skip)) return;
  const sizes = [
    '1x1',
    '2x3',
    '5x5',
    '6x6',
    '7x9',
    '11x13',
    '17x33',
    '64x64',
    '101x67',
    '333x222',
    '640x11',
    '12x500',
    '720x60',
  ];
  const images = ['texture', 'blobs', 'noise', 'flat', 'checkers', 'edges'].flatMap((kind) =>
    sizes.flatMap((size) => ['--kind', kind, size, '5']),
  );
  const comparisons = await compare(...images);
  expect(comparisons).toHaveLength(78);
  expectEquivalence(comparisons);
});

test.for([
  ['--layers', '6'],
  ['--layers', '8'],
  ['--contrast', '0'],
])(
  'plateaus where the scan has no threshold, %s: as cv::SIFT',
  { timeout: minutes },
  async (parameters, { skip }) => {
    if (!requireReference(skip)) return;
    const images = ['flat', 'edges', 'stripes', 'blobs'].flatMap((kind) => ['--kind', kind, '200x150', '1']);
    expectEquivalence(await compare(...parameters, ...images));
  },
);

async function compareShared(
  folder: string,
  skip: (note: string) => void,
  parameters: readonly string[] = [],
) {
  if (!requireReference(skip)) return;
  if (!existsSync(sharedImages)) return skip('SKIPPED: ../shared/data is not there');
  const comparisons = await compare(...parameters, ...(await imagesIn(join(sharedImages, folder))));
  expect(comparisons.length).toBeGreaterThan(5);
  expectEquivalence(comparisons);
}

test('sample images: as cv::SIFT', async ({ skip }) => compareShared('features', skip));

const parameterSets = [
  ['--layers', '1'],
  ['--layers', '5'],
  ['--contrast', '0'],
  ['--contrast', '0.1'],
  ['--edge', '3'],
  ['--edge', '100'],
  ['--sigma', '0.8'],
  ['--sigma', '3'],
  ['--features', '150'],
];

describe.runIf(IS_THOROUGH)(inThorough('thorough'), { timeout: 10 * minutes }, () => {
  test.for(parameterSets)('sample images with parameters %s: as cv::SIFT', (parameters, { skip }) =>
    compareShared('features', skip, parameters),
  );

  test('NEON, cross-compiled and emulated, gives the bytes that this processor gives', async ({ skip }) => {
    if (!(await isInstalled('aarch64-linux-gnu-g++')) || !(await isInstalled('qemu-aarch64')))
      return skip('SKIPPED: g++-aarch64-linux-gnu and qemu-user are not installed');
    const program = (await buildPrograms('engine-aarch64', forAarch64)).path('instruction_sets');
    expect(program).toBeDefined();
    const emulated = await execute('qemu-aarch64', [
      '-L',
      '/usr/aarch64-linux-gnu',
      program ?? '',
      '--quick',
    ]);
    expect(emulated).toEqual(await run('instruction_sets', '--quick'));
    expect(emulated).toMatchObject({ code: 0, output: expect.stringContaining('digest=') });
  });

  test('matching images: as cv::SIFT', async ({ skip }) => compareShared('matching', skip));

  test('Oxford sequences: repeatability and matching accuracy of cv::SIFT to three digits', async ({
    skip,
  }) => {
    if (!requireReference(skip)) return;
    if (!existsSync(sharedImages)) return skip('SKIPPED: ../shared/data is not there');
    const folders = ['boat', 'graffiti', 'leuven', 'ubc'].map((name) =>
      join(sharedImages, 'matching', `oxford_${name}`),
    );
    const { code, output } = await run('oxford', ...folders);
    expect(code, output).toBe(0);
    const scores = output
      .trim()
      .split('\n')
      .map((line) => scoreSchema.parse(JSON.parse(line)));
    expect(scores).toHaveLength(2 * folders.length);
    const rounded = (engine: string) =>
      scores
        .filter((score) => score.engine === engine)
        .map(({ repeatability, accuracy }) => [repeatability.toFixed(3), accuracy.toFixed(3)]);
    expect(rounded('edgesift')).toEqual(rounded('opencv'));
  });

  test('more random images, strides and parameters', async () => {
    expect(await run('robustness', '--cases', '300', '--seed', '1000')).toEqual({
      code: 0,
      output: '300 cases\n',
    });
  });

  test('memory does not grow over 1,000 images', async () => {
    const { code, output } = await run('robustness', '--growth', '1000');
    expect(output).not.toContain('grows');
    expect(code).toBe(0);
  });

  test('libFuzzer finds nothing in half a minute', async ({ skip }) => {
    if ((await execute('clang++', ['--version'])).code !== 0) return skip('SKIPPED: Clang is not installed');
    const options = ['-DCMAKE_CXX_COMPILER=clang++', '-DEDGESIFT_SANITIZE=ON', '-DEDGESIFT_FUZZ=ON'];
    const path = (await buildPrograms('engine-fuzz', options)).path('fuzz_extract');
    if (path === undefined) throw new Error('fuzz_extract was not built');
    const limits = ['-max_len=4096', '-max_total_time=30', '-timeout=25'];
    const { code, output } = await execute(path, [...limits, `-artifact_prefix=${path}-`]);
    expect(code, output.slice(-2000)).toBe(0);
  });

  test('no invalid memory access and no undefined behaviour', async () => {
    const sanitized = await buildPrograms('engine-test-sanitized', ['-DEDGESIFT_SANITIZE=ON']);
    for (const [program, ...parameters] of [
      ['instruction_sets', '--quick'],
      ['window_pixels'],
      ['dense_sets'],
      ['robustness', '--cases', '40', '--seed', '5000'],
    ] as const) {
      const path = sanitized.path(program);
      if (path === undefined) throw new Error(`${program} was not built`);
      const { code, output } = await execute(path, parameters);
      expect(output).not.toContain('ERROR');
      expect(code, `${program}: ${output}`).toBe(0);
    }
  });
});
