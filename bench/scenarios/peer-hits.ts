import { describe, type Image } from '../images.ts';
import { DETECT_PATH, uploadOf } from '../load/detect-job.ts';
import type { LoadJob } from '../load/job.ts';
import type { LoadClient } from '../load/load-client.ts';
import type { Effort } from '../options.ts';
import type { Peer } from '../peer/peer.ts';
import { CONNECTIONS, type Scenario } from './scenario.ts';

const WARM_UP_REQUESTS = 50;
/** It is several times slower; its figures are no less steady for fewer requests. */
const SHARE_OF_REQUESTS = 1 / 4;

/** The same uploads as ours, which the peer serves from Redis: it has no other cache. */
export function peerHitScenario(
  { peer, client, effort }: { peer: Peer; client: LoadClient; effort: Effort },
  image: Image,
): Scenario {
  const jobOf = (count: number, connections: number): LoadJob => ({
    origin: peer.url,
    ...uploadOf(image, 'multipart'),
    requests: Array.from({ length: count }, () => ({ path: DETECT_PATH })),
    connections,
    expectedCache: 'HIT redis',
  });
  return {
    name: `POST multipart, ${describe(image)}`,
    service: 'peer',
    processes: peer.processes,
    async prepare() {
      await cache(peer.url, image);
      await client.send(jobOf(WARM_UP_REQUESTS, CONNECTIONS.many));
    },
    job: (load) => jobOf(Math.round(effort.requests[load] * SHARE_OF_REQUESTS), CONNECTIONS[load]),
  };
}

async function cache(url: string, { bytes, name }: Image): Promise<void> {
  const body = new FormData();
  body.set('image', new File([new Uint8Array(bytes)], name));
  const response = await fetch(url + DETECT_PATH, { method: 'POST', body });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
}
