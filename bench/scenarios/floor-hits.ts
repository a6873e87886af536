import { describe, type Image } from '../images.ts';
import { DETECT_PATH, uploadOf, uploadsOf } from '../load/detect-job.ts';
import type { LoadJob } from '../load/job.ts';
import type { Effort } from '../options.ts';
import { newVariants, type Variant } from '../variants.ts';
import type { Target } from './cached-features.ts';
import { CONNECTIONS, type Load, type Scenario, WARM_UP_REQUESTS } from './scenario.ts';

type FloorScenario = Pick<Scenario, 'name' | 'prepare' | 'job'>;

/**
 * The service's hits as the least possible Worker serves them (floor/worker.ts).
 *
 * @param cached images that Redis knows, as many for each load as it is to request
 */
export function floorHits(
  { url, client }: Target,
  image: Image,
  { requests }: Effort,
  cached: Readonly<Record<Load, readonly Variant[]>>,
): FloorScenario[] {
  let [computed] = newVariants(image, 1);
  const jobOf = (
    wanted: LoadJob['requests'],
    connections: number,
    expectedCache: LoadJob['expectedCache'],
  ): LoadJob => ({
    origin: url,
    ...uploadOf(image, 'multipart'),
    requests: wanted,
    connections,
    expectedCache,
  });
  const again = (count: number) =>
    Array.from({ length: count }, () => ({ path: DETECT_PATH, variant: computed?.number ?? 0 }));
  const prepare = async () => {
    const variants = newVariants(image, 1);
    [computed] = variants;
    await client.send(jobOf(uploadsOf(variants), 1, 'MISS'));
    await client.send(jobOf(again(WARM_UP_REQUESTS), CONNECTIONS.many, 'HIT memory'));
  };
  const name = `POST multipart, ${describe(image)}`;
  return [
    {
      name: `memory: ${name}`,
      prepare,
      job: (load) => jobOf(again(requests[load]), CONNECTIONS[load], 'HIT memory'),
    },
    {
      name: `redis: ${name}`,
      prepare,
      job: (load) => jobOf(uploadsOf(cached[load]), CONNECTIONS[load], 'HIT redis'),
    },
  ];
}
