import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const read = (file: string) => readFileSync(path.join(root, file), 'utf8');

interface Copy {
  /** Stage of the Dockerfile that it stands in. */
  stage: string;
  sources: string[];
}

/** What deploy/Dockerfile copies from the project's own files. */
function copies(): Copy[] {
  let stage = '';
  const found: Copy[] = [];
  for (const line of read('deploy/Dockerfile').replaceAll('\\\n', ' ').split('\n')) {
    const [instruction, ...words] = line.trim().split(/\s+/);
    if (instruction === 'FROM') stage = words.at(-1) ?? '';
    if (instruction === 'COPY' && !words[0]?.startsWith('--from=')) {
      found.push({ stage, sources: words.slice(0, -1) });
    }
  }
  return found;
}

const { dependencies } = z
  .object({ dependencies: z.record(z.string(), z.string()) })
  .parse(JSON.parse(read('package.json')));

/** Files and packages that a process loads, worker threads included. */
async function reachedFrom(entryPoints: readonly string[]) {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [...entryPoints],
    outdir: 'build/unused',
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    metafile: true,
    write: false,
    logLevel: 'silent',
  });
  const imports = Object.values(metafile.inputs).flatMap((input) => input.imports);
  const packages = imports
    .filter(({ external, path: name }) => external && !name.startsWith('node:'))
    .map(({ path: name }) => /^(@[^/]+\/)?[^/]+/.exec(name)?.[0] ?? name);
  return { files: Object.keys(metafile.inputs), packages: [...new Set(packages)] };
}

test('.dockerignore lets in exactly what the Dockerfile copies', () => {
  const admitted = read('.dockerignore')
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1));
  const copied = copies().flatMap(({ sources }) => sources.map((source) => source.split('/')[0]));
  expect(admitted.toSorted()).toEqual([...new Set(copied)].toSorted());
  expect(readdirSync(root)).toEqual(expect.arrayContaining(admitted));
});

describe.each([
  ['origin', ['origin/server.ts', 'origin/jobs/thread-entry.ts']],
  ['redis-gateway', ['gateway/main.ts', 'administration/keys.ts', 'administration/cache.ts']],
  [
    'worker-build',
    [
      'tools/worker/build-worker.ts',
      'edge/worker.ts',
      'pages/dashboard.ts',
      'pages/dashboard/images/hash-worker.ts',
    ],
  ],
])('the image stage %s', (stage, entryPoints) => {
  test('has every file and package that its processes load', async () => {
    const copied = copies()
      .filter((copy) => copy.stage === stage || copy.stage === 'production-packages')
      .flatMap(({ sources }) => sources);
    const { files, packages } = await reachedFrom(entryPoints);
    const isCopied = (file: string) =>
      copied.some((source) => file === source || file.startsWith(`${source}/`));
    expect(files.filter((file) => !isCopied(file))).toEqual([]);
    // The Worker is bundled where all packages are.
    if (stage === 'worker-build') return;
    expect(packages.filter((name) => !(name in dependencies))).toEqual([]);
  });
});
