import { randomBytes } from 'node:crypto';
import { fromRoot } from '../../tools/project-root.ts';
import { bundleWorker } from '../../tools/worker/bundle-worker.ts';
import { type RunningWorker, startWorker } from '../../tools/worker/run-worker.ts';
import type { LoadJob } from '../load/job.ts';
import type { LoadClient } from '../load/load-client.ts';
import type { Effort } from '../options.ts';
import { CONNECTIONS, type Scenario, WARM_UP_REQUESTS } from '../scenarios/scenario.ts';

/** The upload that the figures below are for. */
const UPLOAD_BYTES = 60_000;

/**
 * CPU per request, in µs, of the same Worker on the machine that the reference service was measured on: HTTP and Hono
 * 81, reading 60 kB 35, SHA-256 88.
 */
export const BASELINE_CPU_US = 81 + 35 + 88;

/** Starts it in a workerd of its own. */
export async function startBaseline(): Promise<RunningWorker> {
  await bundleWorker(fromRoot('bench', 'baseline', 'worker.ts'), fromRoot('build', 'baseline', 'worker.js'));
  return startWorker({
    port: 0,
    env: {},
    log: 'ignore',
    served: [fromRoot('bench', 'baseline', 'workerd.capnp')],
  });
}

/** Uploads to it, measured in turn with all the others: how fast this machine is, now. */
export function baselineScenario(
  { url, pid }: RunningWorker,
  { client, effort }: { client: LoadClient; effort: Effort },
): Scenario {
  const body = { head: randomBytes(UPLOAD_BYTES), foot: new Uint8Array() };
  const jobOf = (count: number, connections: number): LoadJob => ({
    origin: url,
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body,
    requests: Array.from({ length: count }, () => ({ path: '/' })),
    connections,
    expectedCache: undefined,
  });
  return {
    name: 'Hono, 60 kB read and hashed',
    service: 'baseline',
    processes: { workerd: pid },
    prepare: async () => void (await client.send(jobOf(WARM_UP_REQUESTS, CONNECTIONS.many))),
    job: (load) => jobOf(effort.requests[load], CONNECTIONS[load]),
  };
}
