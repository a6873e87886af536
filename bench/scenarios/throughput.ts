import type { Image } from '../images.ts';
import { DETECT_PATH, uploadOf } from '../load/detect-job.ts';
import type { LoadJob } from '../load/job.ts';
import { type LoadClient, measureLoad } from '../load/load-client.ts';
import type { Effort } from '../options.ts';
import type { Peer } from '../peer/peer.ts';
import type { Stack } from '../stack.ts';
import { Series, type Summary } from '../statistics.ts';
import { newVariants, type Variant, variantImage } from '../variants.ts';
import { bringIntoMemory } from './cached-features.ts';
import { missJob, SETTLE_MS } from './misses.ts';

/** Twice the origin's threads on the machines we know. */
const CONNECTIONS = 4;

/** What a miss takes under load, of the service and the peer in turn, and beside it a hit in memory. */
export interface ThroughputReport {
  readonly image: Image;
  readonly connections: number;
  readonly misses: Record<string, Summary>;
  readonly memory_hits: Record<string, Summary>;
  /** Of the least possible Worker, see floor/worker.ts. */
  readonly floor_misses: Record<string, Summary>;
  readonly peer_misses: Record<string, Summary> | undefined;
}

export async function measureThroughput(
  { stack, peer, client }: { stack: Stack; peer: Peer | undefined; client: LoadClient },
  image: Image,
  { throughput: { rounds, misses, hits } }: Effort,
): Promise<ThroughputReport> {
  const measureMisses = ({ url, processes }: Pick<Stack, 'url' | 'processes'>) =>
    measureLoad(client, processes, missJob(url, newVariants(image, misses), CONNECTIONS), SETTLE_MS);
  const [ofMisses, ofHits, ofFloor, ofPeer] = [new Series(), new Series(), new Series(), new Series()];
  for (let round = -1; round < rounds; round += 1) {
    const [known] = newVariants(image, 1);
    if (known === undefined) break;
    const figuresOfMisses = await measureMisses(stack);
    await bringIntoMemory(stack.url, variantImage(known));
    const figuresOfHits = await measureLoad(client, stack.processes, hitJob(stack.url, known, hits));
    const figuresOfFloor = await measureMisses(stack.floor);
    const figuresOfPeer = peer && (await measureMisses(peer));
    // The first round warms up.
    if (round < 0) continue;
    ofMisses.add(figuresOfMisses);
    ofHits.add(figuresOfHits);
    ofFloor.add(figuresOfFloor);
    if (figuresOfPeer) ofPeer.add(figuresOfPeer);
  }
  return {
    image,
    connections: CONNECTIONS,
    misses: ofMisses.summarise(),
    memory_hits: ofHits.summarise(),
    floor_misses: ofFloor.summarise(),
    peer_misses: peer && ofPeer.summarise(),
  };
}

function hitJob(url: string, { image, number }: Variant, count: number): LoadJob {
  return {
    origin: url,
    ...uploadOf(image, 'multipart'),
    requests: Array.from({ length: count }, () => ({ path: DETECT_PATH, variant: number })),
    connections: CONNECTIONS,
    expectedCache: 'HIT memory',
  };
}
