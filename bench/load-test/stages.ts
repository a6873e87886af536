import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import type autocannon from 'autocannon';
import type { Image } from '../images.ts';
import { DETECT_PATH } from '../load/detect-job.ts';
import { runStage, type Stage, type StageResult } from './stage.ts';

/** An origin has 64 places in its queue: the last of these are far beyond. */
const RAMP = [8, 32, 128, 256];
const HIT_SHARE = 0.8;

/** Hits, misses, both, ever more misses, and what comes after them, each for some seconds. */
export async function runStages(
  url: string,
  image: Image,
  { seconds, apiKey }: { seconds: number; apiKey?: string | undefined },
): Promise<StageResult[]> {
  const headers = {
    'content-type': `image/${image.format}`,
    ...(apiKey && { 'x-api-key': apiKey }),
  };
  const request = (body: Uint8Array): autocannon.Request => ({
    method: 'POST',
    path: DETECT_PATH,
    headers,
    body,
  });
  // Decoders ignore what follows the image, hashes do not.
  const newBody = () => Buffer.concat([image.bytes, randomBytes(8)]);
  const known = newBody();
  const hit = () => request(known);
  const miss = () => request(newBody());
  const mixed = () => (Math.random() < HIT_SHARE ? hit() : miss());

  await fetch(url + DETECT_PATH, { method: 'POST', headers, body: known });
  const cores = availableParallelism();
  const results: StageResult[] = [];
  const run = async (stage: Stage) => void results.push(await runStage(url, stage));
  await run({ name: 'hits', connections: 16, seconds, next: hit });
  await run({ name: 'misses', connections: 2 * cores, seconds, next: miss });
  await run({ name: `${HIT_SHARE * 100} % hits`, connections: 16, seconds, next: mixed });
  for (const connections of RAMP) await run({ name: 'ramp of misses', connections, seconds, next: miss });
  await run({ name: 'hits while it recovers', connections: 16, seconds: Math.min(seconds, 5), next: hit });
  await run({ name: 'misses afterwards', connections: 1, seconds: Math.min(seconds, 5), next: miss });
  return results;
}
