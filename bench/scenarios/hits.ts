import { describe, type Image } from '../images.ts';
import { DETECT_PATH, type Encoding, uploadOf, uploadsOf } from '../load/detect-job.ts';
import type { LoadJob } from '../load/job.ts';
import type { Effort } from '../options.ts';
import type { Stack } from '../stack.ts';
import { newVariants, type Variant, variantBytes, variantImage } from '../variants.ts';
import {
  bringIntoMemory,
  cacheFeatures,
  pathOf,
  prepareEviction,
  SAFETENSORS,
  type Target,
} from './cached-features.ts';
import { floorHits } from './floor-hits.ts';
import { CONNECTIONS, type Load, type Scenario, WARM_UP_REQUESTS } from './scenario.ts';

/** What all requests of a scenario have in common. */
interface RequestKind {
  readonly name: string;
  readonly shape: Pick<LoadJob, 'method' | 'headers' | 'body'>;
}

/** Everything that is served without the origin. Fills Redis first, which takes a while. */
export async function hitScenarios(
  target: Target,
  { processes, floor: leastWorker }: Stack,
  { small, large }: { readonly small: Image; readonly large: Image },
  effort: Effort,
): Promise<Scenario[]> {
  const { one, many } = effort.redisKeys;
  const cached = newVariants(small, one + many);
  await cacheFeatures(target, cached);
  const slices = { one: cached.slice(0, one), many: cached.slice(one) };
  const evict = await prepareEviction(target);
  const warmUp = memoryHit(target, upload(small, 'raw'), small, effort.requests);
  const forget = async () => {
    await evict();
    // Collects, before anything is measured, the garbage that this has made.
    await warmUp.prepare();
  };
  const memory = (kind: RequestKind, image: Image) => ({
    ...memoryHit(target, kind, image, effort.requests),
    service: 'edgesift' as const,
    processes,
  });
  const redis = (kind: RequestKind) => ({
    ...redisHit(target, kind, { cached: slices, forget }),
    service: 'edgesift' as const,
    processes,
  });
  const summary = byHash('summary', {});
  const payload = byHash('safetensors', SAFETENSORS);
  return [
    { ...emptyRequest(target, effort.requests), service: 'edgesift', processes },
    memory(upload(small, 'multipart'), small),
    memory(upload(small, 'raw'), small),
    memory(upload(large, 'multipart'), large),
    memory(summary, small),
    memory(payload, small),
    redis(upload(small, 'multipart')),
    redis(upload(small, 'raw')),
    redis(summary),
    redis(payload),
    ...floorHits({ url: leastWorker.url, client: target.client }, small, effort, slices).map((scenario) => ({
      ...scenario,
      service: 'floor' as const,
      processes: leastWorker.processes,
    })),
  ];
}

type Counts = Readonly<Record<Load, number>>;
type HitScenario = Pick<Scenario, 'name' | 'prepare' | 'job'>;

function upload(image: Image, encoding: Encoding): RequestKind {
  return { name: `POST ${encoding}, ${describe(image)}`, shape: uploadOf(image, encoding) };
}

function byHash(what: string, headers: Record<string, string>): RequestKind {
  return { name: `GET by hash, ${what}`, shape: { method: 'GET', headers } };
}

/** What a request costs that asks for nothing: HTTP, the runtime and the router. */
function emptyRequest({ url, client }: Target, counts: Counts): HitScenario {
  const jobOf = (count: number, connections: number): LoadJob => ({
    origin: url,
    method: 'GET',
    headers: {},
    requests: Array.from({ length: count }, () => ({ path: '/health/live' })),
    connections,
    expectedCache: undefined,
  });
  return {
    name: 'nothing: GET /health/live',
    prepare: async () => void (await client.send(jobOf(WARM_UP_REQUESTS, CONNECTIONS.many))),
    job: (load) => jobOf(counts[load], CONNECTIONS[load]),
  };
}

/** One image again and again, from the isolate's memory. */
function memoryHit(
  { url, client }: Target,
  { name, shape }: RequestKind,
  image: Image,
  counts: Counts,
): HitScenario {
  // A new one each time: after a minute memory asks Redis again.
  let [variant] = newVariants(image, 1);
  const jobOf = (count: number, connections: number): LoadJob => {
    const request =
      shape.method === 'GET'
        ? { path: variant ? pathOf(variantBytes(variant)) : '' }
        : { path: DETECT_PATH, variant: variant?.number ?? 0 };
    return {
      origin: url,
      ...shape,
      requests: Array.from({ length: count }, () => request),
      connections,
      expectedCache: 'HIT memory',
    };
  };
  return {
    name: `memory: ${name}`,
    async prepare() {
      [variant] = newVariants(image, 1);
      if (variant) await bringIntoMemory(url, variantImage(variant));
      await client.send(jobOf(WARM_UP_REQUESTS, CONNECTIONS.many));
    },
    job: (load) => jobOf(counts[load], CONNECTIONS[load]),
  };
}

interface RedisHitOptions {
  readonly cached: Readonly<Record<Load, readonly Variant[]>>;
  /** Makes the isolate's memory forget them. */
  readonly forget: () => Promise<void>;
}

/** Images that Redis knows and the isolate does not: each can be requested once, then memory has it. */
function redisHit(
  { url }: Target,
  { name, shape }: RequestKind,
  { cached, forget }: RedisHitOptions,
): HitScenario {
  const requestsOf = (variants: readonly Variant[]) =>
    shape.method === 'GET'
      ? variants.map((variant) => ({ path: pathOf(variantBytes(variant)) }))
      : uploadsOf(variants);
  return {
    name: `redis: ${name}`,
    prepare: forget,
    job: (load) => ({
      origin: url,
      ...shape,
      requests: requestsOf(cached[load]),
      connections: CONNECTIONS[load],
      expectedCache: 'HIT redis',
    }),
  };
}
