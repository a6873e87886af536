import { build } from 'esbuild';
import { fromRoot } from '../project-root.ts';
import { buildPages } from './build-pages.ts';
import { replaceFile } from './replace-file.ts';

/** Makes what `workerd.capnp` serves: the one module of `edge/worker.ts` in `build/worker`, and its pages. */
export async function buildWorker(): Promise<void> {
  await Promise.all([bundleWorker(), buildPages()]);
}

/** Tests and servers may start a Worker while another one is being built. */
async function bundleWorker(): Promise<void> {
  const { outputFiles } = await build({
    entryPoints: [fromRoot('edge', 'worker.ts')],
    outfile: fromRoot('build', 'worker', 'worker.js'),
    write: false,
    bundle: true,
    format: 'esm',
    target: 'es2024',
    platform: 'browser',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*'],
    logLevel: 'warning',
  });
  await Promise.all(outputFiles.map(({ path, contents }) => replaceFile(path, contents)));
}
