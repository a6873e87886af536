import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { extractionJob } from '../../origin/jobs/extraction-job.ts';
import { loadNativeAddon } from '../../origin/native/addon.ts';
import { createMetrics } from '../../origin/observability/metrics.ts';
import { ExtractionPool } from '../../origin/scheduler/pool.ts';
import { parseSiftParameters } from '../../shared/contract/parameters.ts';
import { extractorId } from '../../shared/extractor.ts';
import { readImageHeader } from '../../shared/image-header.ts';
import { type BulkStack, startBulkStack } from '../../test/fixtures/bulk-stack.ts';
import { countCpu } from '../cpu.ts';
import { type Circumstances, circumstances } from '../machine.ts';
import { type Stack, startStack } from '../stack.ts';
import { type NamedImage, usualImage } from './images.ts';

const ROUNDS = 3;
/** Requests under way at the same time in the loop over HTTP, and images in the pool alone. */
const AT_ONCE = 4;
const WARM_UP_IMAGES = 30;

/** One way through all images. */
interface Pass {
  imagesPerSecond: number;
  /** Milliseconds of CPU of all processes that take part, per image. */
  cpuMs: number;
}

type Way = 'decode_and_sift' | 'http_loop' | 'one_worker' | 'two_workers';

export interface Throughput {
  circumstances: Circumstances;
  images: number;
  /** Medians over the rounds. */
  images_per_second: Record<Way, number>;
  cpu_ms_per_image: Record<Way, number>;
  /** How much longer an image takes in a worker than decoding and SIFT alone, wanted: 0.05 at most. */
  worker_over_decode_and_sift: number;
  worker_to_http_loop: number;
  /** Wanted: 1.8 at least, where two cores are free. */
  two_workers_to_one: number;
  rounds: Record<Way, Pass>[];
}

/** One thread in each worker and in the origin: what a second worker adds shows on two cores. */
export async function measureThroughput({
  images: count,
  say,
}: {
  images: number;
  say: (text: string) => void;
}): Promise<Throughput> {
  const bulk = await startBulkStack({ JOBS_SHARD_IMAGES: '25', JOBS_ACK_WAIT_MS: '60000' });
  const service = await startStack({ originThreads: 1 });
  const { engine: extractor } = loadNativeAddon(service.engine);
  const pool = new ExtractionPool(
    {
      threads: 1,
      memoryBytes: 2 ** 30,
      queueLength: AT_ONCE,
      script: new URL('../../origin/jobs/thread-entry.ts', import.meta.url),
      engine: service.engine,
      jobTimeoutMs: 30_000,
    },
    createMetrics().observer,
  );
  try {
    const images = await Promise.all(Array.from({ length: count }, (_, number) => usualImage(number)));
    await writeAll(path.join(bulk.folder, 'images'), images);
    await writeAll(path.join(bulk.folder, 'warm-up'), images.slice(0, WARM_UP_IMAGES));
    say(`${count} images of 512×512`);
    const where = await circumstances({
      extractor: extractorId(extractor),
      peer: 'none',
      images: `${count} images of blurred noise, 512×512`,
    });
    const rounds: Record<Way, Pass>[] = [];
    for (let round = 1; round <= ROUNDS; round += 1) {
      rounds.push({
        decode_and_sift: await alone(pool, service, images),
        http_loop: await overHttp(service, bulk.folder, images, round),
        one_worker: await byWorkers(bulk, 1, images, round),
        two_workers: await byWorkers(bulk, 2, images, round),
      });
      say(JSON.stringify(rounds.at(-1)));
    }
    return summary(where, count, rounds);
  } finally {
    await pool.close();
    await service.stop();
    await bulk.stop();
  }
}

function summary(where: Circumstances, images: number, rounds: Record<Way, Pass>[]): Throughput {
  const medians = (of: (pass: Pass) => number): Record<Way, number> => {
    const median = (way: Way) =>
      rounds.map((round) => of(round[way])).toSorted((one, other) => one - other)[rounds.length >> 1] ?? 0;
    return {
      decode_and_sift: median('decode_and_sift'),
      http_loop: median('http_loop'),
      one_worker: median('one_worker'),
      two_workers: median('two_workers'),
    };
  };
  const rates = medians(({ imagesPerSecond }) => imagesPerSecond);
  return {
    circumstances: where,
    images,
    images_per_second: rates,
    cpu_ms_per_image: medians(({ cpuMs }) => cpuMs),
    worker_over_decode_and_sift: rates.decode_and_sift / rates.one_worker - 1,
    worker_to_http_loop: rates.one_worker / rates.http_loop,
    two_workers_to_one: rates.two_workers / rates.one_worker,
    rounds,
  };
}

async function writeAll(folder: string, images: readonly NamedImage[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const { name, bytes } of images) await writeFile(path.join(folder, name), bytes);
}

/** Decoding and SIFT on one thread that always has work, with nothing around it. */
function alone(pool: ExtractionPool, { engine }: Stack, images: readonly NamedImage[]): Promise<Pass> {
  const parameters = parseSiftParameters([]);
  const own = { signal: new AbortController().signal, client: 'bench' };
  return timed(images.length, { own: process.pid }, () =>
    eachAtOnce(images, async ({ bytes: original }) => {
      const bytes = original.slice();
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      const { task, cost } = extractionJob({ bytes, sha256, header: readImageHeader(bytes) }, parameters, {
        engine,
      });
      await pool.run(task, cost, own);
    }),
  );
}

/** What a user does without bulk jobs: one request after the other, and a file for each response. */
async function overHttp(
  { url, processes }: Stack,
  folder: string,
  images: readonly NamedImage[],
  round: number,
): Promise<Pass> {
  const results = path.join(folder, `http-${round}`);
  await mkdir(results);
  return timed(images.length, { ...processes, own: process.pid }, () =>
    eachAtOnce(images, async ({ name, bytes }) => {
      // Decoders ignore what follows the image; the cache does not.
      const body = Buffer.concat([bytes, Buffer.from(`round ${round}`)]);
      const headers = { 'content-type': 'image/jpeg', accept: 'application/vnd.safetensors' };
      const response = await fetch(`${url}/api/v1/features/detect?format=safetensors`, {
        method: 'POST',
        headers,
        body,
      });
      if (!response.ok) throw new Error(`${name}: status ${response.status}`);
      await writeFile(
        path.join(results, `${name}.safetensors`),
        new Uint8Array(await response.arrayBuffer()),
      );
    }),
  );
}

async function byWorkers(
  bulk: BulkStack,
  count: number,
  images: readonly NamedImage[],
  round: number,
): Promise<Pass> {
  const workers = await Promise.all(Array.from({ length: count }, () => bulk.startWorker()));
  const output = path.join(bulk.folder, `${count}-${round}`);
  const run = async (folder: string, to: string) => {
    const job = await bulk.create({ source: { prefix: path.join(bulk.folder, folder) }, output: to });
    const ended = await bulk.untilEnded(job.id, 10 * 60_000);
    if (ended.images.failed > 0 || ended.images.cached > 0) throw new Error(JSON.stringify(ended));
    return (Date.parse(ended.finished_at ?? '') - Date.parse(ended.created_at)) / 1000;
  };
  await run('warm-up', `${output}-warm-up`);
  const pids = Object.fromEntries(workers.map(({ pid }, index) => [`worker ${index}`, pid]));
  const cpu = countCpu(pids);
  const seconds = await run('images', output);
  const cpuMs = sumOf(cpu()) / images.length;
  await Promise.all(workers.map((worker) => worker.stop()));
  return { imagesPerSecond: images.length / seconds, cpuMs };
}

async function timed(images: number, pids: Record<string, number>, work: () => Promise<void>): Promise<Pass> {
  const cpu = countCpu(pids);
  const began = performance.now();
  await work();
  const seconds = (performance.now() - began) / 1000;
  return { imagesPerSecond: images / seconds, cpuMs: sumOf(cpu()) / images };
}

function sumOf(values: Record<string, number>): number {
  return Object.values(values).reduce((sum, value) => sum + value, 0);
}

async function eachAtOnce<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const waiting = [...items].toReversed();
  const lane = async () => {
    for (let item = waiting.pop(); item !== undefined; item = waiting.pop()) await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}
