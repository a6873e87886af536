import { build } from 'esbuild';
import { fromRoot } from '../project-root.ts';
import { buildPages } from './build-pages.ts';

/** Makes what `workerd.capnp` serves: the one module of `edge/worker.ts` in `build/worker`, and its pages. */
export async function buildWorker(): Promise<void> {
  await Promise.all([bundleWorker(), buildPages()]);
}

async function bundleWorker(): Promise<void> {
  await build({
    entryPoints: [fromRoot('edge', 'worker.ts')],
    outfile: fromRoot('build', 'worker', 'worker.js'),
    bundle: true,
    format: 'esm',
    target: 'es2024',
    platform: 'browser',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*'],
    logLevel: 'warning',
  });
}
