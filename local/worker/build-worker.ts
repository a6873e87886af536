import { build } from 'esbuild';
import { fromRoot } from '../project-root.ts';

/** Bundles `edge/worker.ts` into `build/worker/worker.js`, the one module that `workerd.capnp` serves. */
export async function buildWorker(): Promise<void> {
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
