import { execFile } from 'node:child_process';
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { paginateListObjectsV2 } from '@aws-sdk/client-s3';
import * as z from 'zod';
import { createS3Client, S3Storage } from '../../origin/storage/s3.ts';
import type { JobResponse } from '../../shared/contract/jobs.ts';
import { type BulkStack, startBulkStack } from '../../test/fixtures/bulk-stack.ts';
import { type S3Server, startS3Server } from '../../test/fixtures/s3-server.ts';
import { fromRoot } from '../../tools/project-root.ts';
import { countBusiestThread, countCpu, machineBusyMs, type Processes } from '../cpu.ts';
import { type Circumstances, circumstances } from '../machine.ts';
import { type Stack, startStack } from '../stack.ts';
import { eachAtOnce } from './each-at-once.ts';
import { type NamedImage, usualImage } from './images.ts';
import { byWay, medianOf, type Pass, type Round, type Target, targetsOf, WAYS, type Way } from './targets.ts';

const WARM_UP_IMAGES = 30;
const LONGEST_MS = 10 * 60_000;
/** Seldom enough that the job service has nothing else to do. */
const LOOK_EVERY_MS = 500;

/** What decode-and-sift.ts prints, for all images. */
const decodeAndSiftSchema = z.object({ seconds: z.number(), cpuMs: z.number(), otherCores: z.number() });
export type DecodeAndSift = z.infer<typeof decodeAndSiftSchema>;

export interface Throughput {
  circumstances: Circumstances;
  images: number;
  targets: Target[];
  /** Medians over the rounds. */
  images_per_second: Record<Way, number>;
  cpu_ms_per_image: Record<Way, Record<string, number>>;
  worker_thread_has_work: number;
  worker_to_http_loop: number;
  rounds: Round[];
}

interface Parts {
  bulk: BulkStack;
  service: Stack;
  s3: S3Server & { readonly pid: number };
  images: readonly NamedImage[];
  /** Of all images, and of those that warm up. */
  folders: { images: string; warmUp: string };
}

/** One thread in each worker and in the origin: what a second worker adds shows on two cores. */
export async function measureThroughput({
  images: count,
  rounds: roundCount,
  say,
}: {
  images: number;
  rounds: number;
  say: (text: string) => void;
}): Promise<Throughput> {
  const s3 = await startS3Server();
  Object.assign(process.env, s3.credentials);
  const bulk = await startBulkStack({
    JOBS_SHARD_IMAGES: '25',
    JOBS_ACK_WAIT_MS: '60000',
    JOBS_RECONCILE_MS: '15000',
    JOBS_S3: 'true',
    JOBS_S3_ENDPOINT: s3.endpoint,
  });
  const service = await startStack({ originThreads: 1 });
  try {
    const images = await Promise.all(Array.from({ length: count }, (_, number) => usualImage(number)));
    const folders = { images: path.join(bulk.folder, 'images'), warmUp: path.join(bulk.folder, 'warm-up') };
    const parts = { bulk, service, s3, images, folders };
    await writeAll(parts);
    say(`${count} images of 512×512`);
    const where = await circumstances({
      extractor: service.extractor,
      peer: 'none',
      images: `${count} images of blurred noise, 512×512`,
    });
    const rounds: Round[] = [];
    for (let number = 1; number <= roundCount; number += 1) {
      const round = await oneRound(parts, number);
      rounds.push(round);
      for (const way of WAYS) say(`round ${number}, ${way}: ${describe(round[way])}`);
    }
    const throughput = summary(where, count, rounds);
    for (const { name, value, wanted, verdict } of throughput.targets) {
      say(`${name}: ${value.toFixed(3)}, wanted ${wanted}: ${verdict}`);
    }
    return throughput;
  } finally {
    await service.stop();
    await bulk.stop();
    await s3.stop();
  }
}

async function oneRound(parts: Parts, round: number): Promise<Round> {
  const byFolder = (count: number, hasOwnCore: boolean) => byWorkers(parts, { count, hasOwnCore, round });
  return {
    decode_and_sift: await alone(parts),
    one_worker: await byFolder(1, false),
    one_worker_on_one_core: await byFolder(1, true),
    two_workers_on_one_core_each: await byFolder(2, true),
    two_workers: await byFolder(2, false),
    one_worker_s3: await byWorkers(parts, { count: 1, hasOwnCore: false, round, isS3: true }),
    http_loop: await overHttp(parts, round),
  };
}

function describe({ imagesPerSecond, cpuMs, threadHasWork, otherCores }: Pass): string {
  const cpu = Object.entries(cpuMs).map(([name, ms]) => `${name} ${ms.toFixed(1)}`);
  const busy = threadHasWork === undefined ? '' : `; SIFT has work ${(threadHasWork * 100).toFixed(1)} %`;
  const rate = `${imagesPerSecond.toFixed(1)} images/s; ms of CPU: ${cpu.join(', ')}`;
  return `${rate}${busy}; other programs ${otherCores.toFixed(2)} cores`;
}

function summary(where: Circumstances, images: number, rounds: Round[]): Throughput {
  const rate = (way: Way) => medianOf(rounds, (round) => round[way].imagesPerSecond);
  const cpu = (way: Way) => {
    const names = Object.keys(rounds[0]?.[way].cpuMs ?? {});
    return Object.fromEntries(
      names.map((name) => [name, medianOf(rounds, (round) => round[way].cpuMs[name] ?? 0)]),
    );
  };
  return {
    circumstances: where,
    images,
    targets: targetsOf(rounds),
    images_per_second: byWay(rate),
    cpu_ms_per_image: byWay(cpu),
    worker_thread_has_work: medianOf(rounds, (round) => round.one_worker.threadHasWork ?? 0),
    worker_to_http_loop: rate('one_worker') / rate('http_loop'),
    rounds,
  };
}

async function writeAll({ s3, images, folders }: Parts): Promise<void> {
  const bucket = new S3Storage(createS3Client({ endpoint: s3.endpoint, region: 'us-east-1' }), s3.bucket);
  for (const folder of [folders.images, folders.warmUp]) await mkdir(folder, { recursive: true });
  for (const [index, { name, bytes }] of images.entries()) {
    const isWarmUp = index < WARM_UP_IMAGES;
    await writeFile(path.join(folders.images, name), bytes);
    await bucket.put(`images/${name}`, bytes, 'image/jpeg');
    if (isWarmUp) await writeFile(path.join(folders.warmUp, name), bytes);
    if (isWarmUp) await bucket.put(`warm-up/${name}`, bytes, 'image/jpeg');
  }
}

async function alone({ images, folders }: Parts): Promise<Pass> {
  const script = fromRoot('bench', 'jobs', 'decode-and-sift.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [script, folders.images]);
  const { seconds, cpuMs, otherCores } = decodeAndSiftSchema.parse(JSON.parse(stdout));
  return { imagesPerSecond: images.length / seconds, cpuMs: { process: cpuMs / images.length }, otherCores };
}

/** What a user does without bulk jobs: some requests at a time, and a file for each response. */
async function overHttp({ service, bulk, images }: Parts, round: number): Promise<Pass> {
  const results = path.join(bulk.folder, `http-${round}`);
  await mkdir(results);
  const { url, processes } = service;
  const measured = measure({ ...processes, bench: process.pid }, images.length);
  await eachAtOnce(images, async ({ name, bytes }) => {
    // Decoders ignore what follows the image; the cache does not.
    const body = Buffer.concat([bytes, Buffer.from(`round ${round}`)]);
    const headers = { 'content-type': 'image/jpeg', accept: 'application/vnd.safetensors' };
    const response = await fetch(`${url}/api/v1/features/detect?format=safetensors`, {
      method: 'POST',
      headers,
      body,
    });
    if (!response.ok) throw new Error(`${name}: status ${response.status}`);
    await writeFile(path.join(results, `${name}.safetensors`), new Uint8Array(await response.arrayBuffer()));
  });
  const { wallMs, ...pass } = measured();
  return { imagesPerSecond: (1000 * images.length) / wallMs, ...pass };
}

interface JobPass {
  count: number;
  /** Whether each worker may use one core only, a different one. */
  hasOwnCore: boolean;
  round: number;
  isS3?: boolean;
}

async function byWorkers(
  { bulk, s3, images, folders }: Parts,
  { count, hasOwnCore, round, isS3 = false }: JobPass,
): Promise<Pass> {
  const workers = await Promise.all(
    Array.from({ length: count }, (_, core) =>
      bulk.startWorker({}, hasOwnCore ? ['taskset', '--cpu-list', String(core)] : []),
    ),
  );
  const [first] = workers;
  if (!first) throw new TypeError('no worker');
  const name = `results-${count}-${hasOwnCore ? 'core' : 'free'}-${round}`;
  const output = isS3 ? `s3://${s3.bucket}/${name}` : path.join(bulk.folder, name);
  await runJob(bulk, isS3 ? `s3://${s3.bucket}/warm-up/` : folders.warmUp, `${output}-warm-up/`);
  const busiest = countBusiestThread(first.pid);
  const measured = measure(
    {
      ...Object.fromEntries(workers.map(({ pid }, index) => [`worker ${index + 1}`, pid])),
      job_service: bulk.jobService.pid,
      nats: bulk.nats.pid,
      ...(isS3 && { s3_server: s3.pid }),
      bench: process.pid,
    },
    images.length,
  );
  await runJob(bulk, isS3 ? `s3://${s3.bucket}/images/` : folders.images, `${output}/`);
  const { onCoreMs, waitingMs } = busiest();
  const { cpuMs, otherCores } = measured();
  const times = isS3 ? await timesInBucket(s3, `${name}/`) : await timesInFolder(output);
  if (times.length !== images.length) throw new Error(`${times.length} results of ${images.length} images`);
  await Promise.all(workers.map((worker) => worker.stop()));
  const spanMs = Math.max(...times) - Math.min(...times);
  const imagesPerSecond = (1000 * (images.length - 1)) / spanMs;
  // With several workers the first one makes an unknown share of the images.
  const hasWork = ((onCoreMs + waitingMs) / images.length) * (imagesPerSecond / 1000);
  return { imagesPerSecond, cpuMs, ...(count === 1 && { threadHasWork: hasWork }), otherCores };
}

async function runJob(bulk: BulkStack, prefix: string, output: string): Promise<void> {
  const { id } = await bulk.create({ source: { prefix }, output });
  const deadline = Date.now() + LONGEST_MS;
  let job: JobResponse = await bulk.job(id);
  while (job.finished_at === null && Date.now() < deadline) {
    await sleep(LOOK_EVERY_MS);
    job = await bulk.job(id);
  }
  const { failed, cached } = job.images;
  if (job.state !== 'completed' || failed > 0 || cached > 0) throw new Error(JSON.stringify(job));
}

const RESULT = '.safetensors';

/** When each result was written, in milliseconds. */
async function timesInFolder(folder: string): Promise<number[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(RESULT));
  return Promise.all(names.map(async (name) => (await stat(path.join(folder, name))).mtimeMs));
}

async function timesInBucket({ endpoint, bucket }: S3Server, prefix: string): Promise<number[]> {
  const client = createS3Client({ endpoint, region: 'us-east-1' });
  const times: number[] = [];
  for await (const { Contents = [] } of paginateListObjectsV2(
    { client },
    { Bucket: bucket, Prefix: prefix },
  )) {
    const results = Contents.filter(({ Key }) => Key?.endsWith(RESULT));
    times.push(...results.map(({ LastModified }) => Number(LastModified)));
  }
  return times;
}

/** Starts measuring; the returned function ends it. */
function measure(
  processes: Processes,
  images: number,
): () => Pick<Pass, 'cpuMs' | 'otherCores'> & { wallMs: number } {
  const began = performance.now();
  const busy = machineBusyMs();
  const cpu = countCpu(processes);
  return () => {
    const used = cpu();
    const wallMs = performance.now() - began;
    return {
      wallMs,
      cpuMs: Object.fromEntries(Object.entries(used).map(([name, ms]) => [name, ms / images])),
      otherCores: Math.max(0, machineBusyMs() - busy - sumOf(used)) / wallMs,
    };
  };
}

function sumOf(values: Record<string, number>): number {
  return Object.values(values).reduce((sum, value) => sum + value, 0);
}
