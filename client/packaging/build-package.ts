import { execFile } from 'node:child_process';
import { copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import rootManifest from '../../package.json' with { type: 'json' };
import manifest from '../package.json' with { type: 'json' };
import { contractTypes } from './contract-types.ts';
import { thirdPartyNotices } from './third-party-notices.ts';

const CLIENT = fileURLToPath(new URL('..', import.meta.url));
const ROOT = path.dirname(path.resolve(CLIENT));
const COMMAND_LINE = path.join(CLIENT, 'command-line', 'main.ts');

/** Where the package is ready for `npm pack`. */
export const PACKAGE_FOLDER = path.join(CLIENT, 'dist');

/**
 * Makes the npm package: the library as one module without dependencies, its types, and the command line with what
 * it depends on. The version is that of the service.
 */
export async function buildPackage(folder = PACKAGE_FOLDER): Promise<void> {
  const unfinished = `${folder}.${process.pid}`;
  await mkdir(unfinished, { recursive: true });
  const put = (name: string, text: string) => writeFile(path.join(unfinished, name), text);
  const [notices] = await Promise.all([
    bundleModules(unfinished),
    emitTypes(unfinished),
    put('package.json', `${JSON.stringify({ ...manifest, version: rootManifest.version }, null, 2)}\n`),
    copyFile(path.join(CLIENT, 'README.md'), path.join(unfinished, 'README.md')),
    copyFile(path.join(ROOT, 'LICENSE'), path.join(unfinished, 'LICENSE')),
  ]);
  await put('THIRD-PARTY-NOTICES', notices);
  await rm(folder, { recursive: true, force: true });
  await rename(unfinished, folder);
}

const COMMON = {
  bundle: true,
  format: 'esm',
  logLevel: 'warning',
  legalComments: 'none',
  metafile: true,
  absWorkingDir: ROOT,
} as const;

/** The library as one module, `index.js`, for any platform. */
export function bundleLibrary(outdir: string) {
  return build({
    ...COMMON,
    outdir,
    entryPoints: { index: path.join(CLIENT, 'index.ts') },
    platform: 'neutral',
    target: 'es2022',
  });
}

/**
 * The library and the command line, each as one module.
 *
 * @returns the licenses of the packages in the bundles
 */
export async function bundleModules(outdir: string): Promise<string> {
  const commandLine = build({
    ...COMMON,
    outdir,
    entryPoints: { 'command-line': COMMAND_LINE },
    platform: 'node',
    target: 'node20',
    minifySyntax: true,
    // Packages in CommonJS ask for Node's own modules by `require`.
    banner: {
      js: `#!/usr/bin/env node
import { createRequire as createBundleRequire } from 'node:module';
const require = createBundleRequire(import.meta.url);`,
    },
  });
  const results = await Promise.all([bundleLibrary(outdir), commandLine]);
  return thirdPartyNotices(
    ROOT,
    results.flatMap(({ metafile }) => Object.keys(metafile.inputs)),
  );
}

async function emitTypes(outdir: string): Promise<void> {
  const types = path.join(outdir, 'types');
  const compiler = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const project = path.join(CLIENT, 'tsconfig.declarations.json');
  await promisify(execFile)(process.execPath, [compiler, '--project', project, '--outDir', types]);
  // Only contract.ts names what is shared with the service, and its types are written out.
  await rm(path.join(types, 'shared'), { recursive: true });
  await writeFile(path.join(types, 'client', 'contract.d.ts'), await contractTypes());
  for (const entry of await readdir(types, { recursive: true })) {
    if (!entry.endsWith('.d.ts')) continue;
    const file = path.join(types, entry);
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replaceAll(/(from '\.[^']*)\.ts'/g, "$1.js'"));
  }
}
