import { fromRoot } from '../../tools/project-root.ts';
import { bundleWorker } from '../../tools/worker/bundle-worker.ts';
import { type RunningWorker, startWorker } from '../../tools/worker/run-worker.ts';

/**
 * Starts the Worker of worker.ts.
 *
 * @param env where Redis' gateway and the origin are, and their secrets, as the service's Worker has them
 */
export async function startFloor(env: NodeJS.ProcessEnv): Promise<RunningWorker> {
  await bundleWorker(fromRoot('bench', 'floor', 'worker.ts'), fromRoot('build', 'floor', 'worker.js'));
  return startWorker({ port: 0, log: 'ignore', env, served: [fromRoot('bench', 'floor', 'workerd.capnp')] });
}
