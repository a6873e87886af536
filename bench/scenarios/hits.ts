import type { Effort } from '../options.ts';
import { DETECT_PATH, type Encoding, uploadOf, uploadsOf } from '../load/detect-job.ts';
import type { LoadJob } from '../load/job.ts';
import type { LoadClient } from '../load/load-client.ts';
import type { Picture } from '../pictures.ts';
import type { Stack } from '../stack.ts';
import { newVariants, sha256Of, type Variant, variantBytes } from '../variants.ts';
import { CONNECTIONS, type Scenario } from './scenario.ts';

export interface HitDependencies {
  readonly stack: Stack;
  readonly client: LoadClient;
  readonly effort: Effort;
}

/** Requests before a measurement, for the engine to compile what is hot. */
const WARM_UP_REQUESTS = 300;
/** First requests of a new isolate that go to Redis, for the same reason. */
const WARM_UP_REDIS_KEYS = 80;
/** Connections over which the caches are filled. */
const FILL_CONNECTIONS = 4;

const JSON_SUMMARY = {};
const SAFETENSORS = { accept: 'application/vnd.safetensors' };

const kilobytes = ({ bytes, format }: Picture) => `${Math.round(bytes.length / 1000)} kB ${format.toUpperCase()}`;

/** Everything that is answered without the origin. Fills Redis first, which takes a while. */
export async function hitScenarios(
  dependencies: HitDependencies,
  pictures: { readonly small: Picture; readonly large: Picture },
): Promise<Scenario[]> {
  const { small, large } = pictures;
  const known = await cacheVariants(dependencies, newVariants(small, keysNeeded(dependencies.effort)));
  const upload = (picture: Picture, encoding: Encoding) => ({
    name: `POST ${encoding}, ${kilobytes(picture)}`,
    shape: uploadOf(picture, encoding),
  });
  const byHash = (name: string, headers: Record<string, string>) => ({
    name,
    shape: { method: 'GET' as const, headers },
  });
  const summary = byHash('GET by hash, summary', JSON_SUMMARY);
  const payload = byHash('GET by hash, safetensors', SAFETENSORS);
  return [
    memoryHit(dependencies, upload(small, 'multipart'), small),
    memoryHit(dependencies, upload(small, 'raw'), small),
    memoryHit(dependencies, upload(large, 'multipart'), large),
    memoryHit(dependencies, upload(large, 'raw'), large),
    memoryHit(dependencies, summary, small),
    memoryHit(dependencies, payload, small),
    redisHit(dependencies, upload(small, 'multipart'), known),
    redisHit(dependencies, upload(small, 'raw'), known),
    redisHit(dependencies, summary, known),
    redisHit(dependencies, payload, known),
  ];
}

interface RequestKind {
  readonly name: string;
  readonly shape: Pick<LoadJob, 'method' | 'headers' | 'body'>;
}

function keysNeeded({ redisKeys }: Effort): number {
  return WARM_UP_REDIS_KEYS + redisKeys.one + redisKeys.many;
}

async function cacheVariants({ stack, client }: HitDependencies, variants: Variant[]): Promise<Variant[]> {
  const [first] = variants;
  if (first === undefined) return [];
  await client.send({
    origin: stack.url,
    ...uploadOf(first.picture, 'raw'),
    requests: uploadsOf(variants),
    connections: FILL_CONNECTIONS,
    expectedCache: 'MISS',
  });
  return variants;
}

/** One picture again and again, from the isolate's memory. */
function memoryHit({ stack, client, effort }: HitDependencies, kind: RequestKind, picture: Picture): Scenario {
  const path = kind.shape.method === 'GET' ? pathOf(picture.bytes) : DETECT_PATH;
  const jobOf = (count: number, connections: number): LoadJob => ({
    origin: stack.url,
    ...kind.shape,
    requests: Array.from({ length: count }, () => ({ path })),
    connections,
    expectedCache: 'HIT memory',
  });
  return {
    name: `memory: ${kind.name}`,
    service: 'edgesift',
    async prepare() {
      await bringIntoMemory(stack.url, picture);
      await client.send(jobOf(WARM_UP_REQUESTS, CONNECTIONS.many));
    },
    job: (load) => jobOf(effort.requests[load], CONNECTIONS[load]),
  };
}

/** Pictures that Redis knows and the isolate does not: each can be asked for once, then memory has it. */
function redisHit({ stack, client, effort }: HitDependencies, kind: RequestKind, known: Variant[]): Scenario {
  let unused: Variant[] = [];
  const jobOf = (count: number, connections: number): LoadJob => ({
    origin: stack.url,
    ...kind.shape,
    requests:
      kind.shape.method === 'GET'
        ? unused.splice(0, count).map((variant) => ({ path: pathOf(variantBytes(variant)) }))
        : uploadsOf(unused.splice(0, count)),
    connections,
    expectedCache: 'HIT redis',
  });
  return {
    name: `redis: ${kind.name}`,
    service: 'edgesift',
    async prepare() {
      await stack.restartWorker();
      unused = [...known];
      await client.send(jobOf(WARM_UP_REDIS_KEYS, CONNECTIONS.many));
    },
    job: (load) => jobOf(effort.redisKeys[load], CONNECTIONS[load]),
  };
}

/** With its payload: a summary from Redis would not do for a request of the features. */
async function bringIntoMemory(url: string, { bytes, format }: Picture): Promise<void> {
  const response = await fetch(url + DETECT_PATH, {
    method: 'POST',
    headers: { 'content-type': `image/${format}`, ...SAFETENSORS },
    body: new Uint8Array(bytes),
  });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  await response.arrayBuffer();
}

function pathOf(bytes: Uint8Array): string {
  return `/api/v1/features/${sha256Of(bytes)}`;
}

