import { SAFETENSORS_CONTENT_TYPE } from '../../shared/features/safetensors.ts';
import { until } from '../../test/fixtures/until.ts';
import { type Image, noiseImage } from '../images.ts';
import { DETECT_PATH, uploadOf, uploadsOf } from '../load/detect-job.ts';
import type { LoadJob } from '../load/job.ts';
import type { LoadClient } from '../load/load-client.ts';
import { newVariants, sha256Of, type Variant, variantBytes } from '../variants.ts';

/** The service under load, and the process that makes the load. */
export interface Target {
  readonly url: string;
  readonly client: LoadClient;
}

export const SAFETENSORS = { accept: SAFETENSORS_CONTENT_TYPE };

/** Well over the 32 MiB that edge/features/cache/isolate-memory.ts keeps. */
const EVICTING_BYTES = 48 * 2 ** 20;
const CONNECTIONS = 4;

/** Has the features of images computed and cached, in Redis and as far as there is room in the isolate's memory. */
export async function cacheFeatures({ url, client }: Target, variants: readonly Variant[]): Promise<void> {
  const [first] = variants;
  if (first === undefined) return;
  await client.send({
    origin: url,
    ...uploadOf(first.image, 'raw'),
    requests: uploadsOf(variants),
    connections: CONNECTIONS,
    expectedCache: 'MISS',
  });
  await untilStored(url, variants);
}

/** The origin writes results to Redis after it has responded, one after the other, so the last records show that all are there. */
async function untilStored(url: string, variants: readonly Variant[]): Promise<void> {
  for (const variant of variants.slice(-2 * CONNECTIONS)) {
    const path = pathOf(variantBytes(variant));
    await until(`${path} is stored`, async () => {
      const response = await fetch(url + path, { method: 'HEAD', headers: SAFETENSORS });
      return response.ok;
    });
  }
}

/** Puts the whole features of an image into the isolate's memory; gives their length in bytes. */
export async function bringIntoMemory(url: string, { bytes, format }: Image): Promise<number> {
  const response = await fetch(url + DETECT_PATH, {
    method: 'POST',
    headers: { 'content-type': `image/${format}`, ...SAFETENSORS },
    body: new Uint8Array(bytes),
  });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  return (await response.arrayBuffer()).byteLength;
}

/**
 * Prepares a way to push all else out of the isolate's memory: features of other images, got from Redis. A restart
 * would do that too, but then an isolate would be measured whose code is not compiled yet.
 */
export async function prepareEviction(target: Target): Promise<() => Promise<void>> {
  const image = await noiseImage('jpeg');
  const payloadBytes = await bringIntoMemory(target.url, image);
  const variants = newVariants(image, Math.ceil(EVICTING_BYTES / payloadBytes));
  await cacheFeatures(target, variants);
  const job: LoadJob = {
    origin: target.url,
    method: 'GET',
    headers: SAFETENSORS,
    requests: variants.map((variant) => ({ path: pathOf(variantBytes(variant)) })),
    connections: CONNECTIONS,
    // They push out each other, too.
    expectedCache: 'HIT redis',
  };
  return async () => void (await target.client.send(job));
}

/** Of the features of an image file. */
export function pathOf(bytes: Uint8Array): string {
  return `/api/v1/features/${sha256Of(bytes)}`;
}
