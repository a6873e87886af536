import { fromRoot } from '../project-root.ts';
import { buildPages } from './build-pages.ts';
import { bundleWorker } from './bundle-worker.ts';

/** Makes what `workerd.capnp` serves: the one module of `edge/worker.ts` in `build/worker`, and its pages. */
export async function buildWorker(): Promise<void> {
  await Promise.all([
    bundleWorker(fromRoot('edge', 'worker.ts'), fromRoot('build', 'worker', 'worker.js')),
    buildPages(),
  ]);
}
