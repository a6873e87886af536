import { execFile } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import clientManifest from '../../client/package.json' with { type: 'json' };
import { bundleModules } from '../../client/packaging/build-package.ts';
import { renderCorner } from '../client/corner-scene.ts';
import { type EdgeStack, startEdgeStack } from '../fixtures/edge-stack.ts';
import { newImage } from '../fixtures/images.ts';
import { IS_THOROUGH } from '../fixtures/thorough.ts';
import { toolMissing } from '../formats/real-tool.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Pages whose code blocks are recipes where their first line says so: ` ```sh recipe`. */
const PAGES = [
  'README.md',
  'docs/quick-start.md',
  'docs/client-typescript.md',
  'docs/client-python.md',
  'docs/command-line.md',
  'docs/vehicles.md',
];
const IMAGES = 'images';
const ADDRESS = 'http://127.0.0.1:8787';
const PYTHON = '/usr/bin/python3';
const TIMEOUT_MS = 180_000;
const run = promisify(execFile);

interface Recipe {
  /** Heading of its section. */
  heading: string;
  /** As in `sh`. */
  language: string;
  /** What it needs beyond the service: `thorough` (minutes), `h5py`. */
  needs: readonly string[];
  code: string;
}

/** The recipes of a page in its order; blocks of Python or TypeScript below one heading are one program. */
function recipesIn(page: string): Recipe[] {
  const text = readFileSync(path.join(ROOT, page), 'utf8');
  return text.split(/^## /m).flatMap((section) => {
    const recipes: Recipe[] = [];
    const [heading = ''] = section.split('\n', 1);
    for (const [, info = '', code = ''] of section.matchAll(/^```(\w+ recipe.*)\n([\s\S]*?)^```$/gm)) {
      const [language = '', , ...needs] = info.trim().split(' ');
      const previous = recipes.find((recipe) => recipe.language === language);
      if (previous && language !== 'sh') previous.code += `\n${code}`;
      else recipes.push({ heading, language, needs, code });
    }
    return recipes;
  });
}

const COMMANDS: Readonly<Record<string, (file: string) => readonly [string, ...string[]]>> = {
  sh: (file) => ['bash', '-euo', 'pipefail', file],
  ts: (file) => [process.execPath, file],
  python: (file) => [PYTHON, file],
};

let stack: EdgeStack;
/** Has the client installed, and a folder for each page with the images that the pages name. */
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'edgesift-recipes-'));
  [stack] = await Promise.all([
    startEdgeStack({ runtime: 'workerd', edgeEnvironment: { REDIS_TIMEOUT_MS: '3000' } }),
    makeImages(),
    installClient(),
  ]);
});
afterAll(async () => {
  await stack?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function makeImages(): Promise<void> {
  const landscape = path.join(ROOT, 'docs', 'example', 'mountains.jpg');
  const photos = path.join(folder, IMAGES, 'photos');
  mkdirSync(photos, { recursive: true });
  const place = (name: string) => path.join(folder, IMAGES, name);
  for (const name of ['photo.jpg', 'left.jpg', 'car.jpg', 'a.jpg']) copyFileSync(landscape, place(name));
  await sharp(landscape).rotate(15).jpeg().toFile(place('right.jpg'));
  await sharp(await newImage())
    .jpeg()
    .toFile(place('b.jpg'));
  if (IS_THOROUGH) {
    await renderCorner((name, png) => writeFileSync(path.join(photos, name), png));
    return;
  }
  for (const name of ['one.png', 'two.png', 'three.png'])
    writeFileSync(path.join(photos, name), await newImage());
}

async function installClient(): Promise<void> {
  const modules = path.join(folder, 'node_modules');
  const target = path.join(modules, 'edgesift');
  mkdirSync(path.join(modules, '.bin'), { recursive: true });
  await bundleModules(target);
  chmodSync(path.join(target, clientManifest.bin.edgesift), 0o755);
  writeFileSync(path.join(target, 'package.json'), JSON.stringify(clientManifest));
  writeFileSync(path.join(folder, 'package.json'), '{"type":"module","private":true}');
  symlinkSync(`../edgesift/${clientManifest.bin.edgesift}`, path.join(modules, '.bin', 'edgesift'));
  // A response that is an error fails the recipe.
  writeFileSync(path.join(folder, '.curlrc'), 'fail-with-body\nsilent\nshow-error\n');
}

/** What a reader has: this client, Node.js and Python, and nothing of this repository. */
function environment(): NodeJS.ProcessEnv {
  const binaries = [
    path.join(folder, 'node_modules', '.bin'),
    path.dirname(process.execPath),
    process.env.PATH,
  ];
  return {
    PATH: binaries.join(path.delimiter),
    HOME: folder,
    CURL_HOME: folder,
    EDGESIFT_URL: stack.url,
    PYTHONPATH: path.join(ROOT, 'client', 'python', 'src'),
    PYTHONDONTWRITEBYTECODE: '1',
    // COLMAP is a Qt program even where it draws nothing.
    QT_QPA_PLATFORM: 'offscreen',
  };
}

function isSkipped({ language, needs }: Recipe): boolean {
  if (needs.includes('thorough') && (!IS_THOROUGH || toolMissing('a recipe with COLMAP', 'colmap', 'help')))
    return true;
  if (language !== 'python') return false;
  const modules = ['numpy', ...needs.filter((need) => need !== 'thorough')];
  return toolMissing('a recipe in Python', PYTHON, '-c', `import ${modules.join(', ')}`);
}

describe.each(PAGES)('the recipes of %s', (page) => {
  const recipes = recipesIn(page);
  let place: string;
  beforeAll(() => {
    place = path.join(folder, path.basename(page, '.md'));
    cpSync(path.join(folder, IMAGES), place, { recursive: true });
  });

  test('are there', () => expect(recipes.length).toBeGreaterThan(0));

  for (const [index, recipe] of recipes.entries()) {
    test.skipIf(isSkipped(recipe))(
      `${index + 1}: ${recipe.heading}, ${recipe.language}`,
      { timeout: TIMEOUT_MS },
      async () => {
        const file = path.join(place, `recipe-${index}.${recipe.language}`);
        writeFileSync(file, recipe.code.replaceAll(ADDRESS, stack.url));
        const [program, ...parameters] = COMMANDS[recipe.language]?.(file) ?? ['false'];
        const options = { cwd: place, env: environment(), timeout: TIMEOUT_MS, maxBuffer: 2 ** 28 };
        // An exit code other than 0 rejects, with what the recipe printed.
        const { stderr } = await run(program, parameters, options);
        expect(stderr).not.toContain('Warning');
      },
    );
  }
});
