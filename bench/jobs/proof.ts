import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createS3Client, S3Storage } from '../../origin/storage/s3.ts';
import type { JobResponse } from '../../shared/contract/jobs.ts';
import { decodePayload } from '../../shared/features/payload.ts';
import { type BulkStack, startBulkStack } from '../../test/fixtures/bulk-stack.ts';
import { type OriginServer, startOriginServer } from '../../test/fixtures/origin-server.ts';
import { startS3Server } from '../../test/fixtures/s3-server.ts';
import { startSwitchableProxy } from '../../test/fixtures/switchable-proxy.ts';
import { fromRoot } from '../../tools/project-root.ts';
import { type Detected, detect, fileReader, type Row, readReports } from './expectations.ts';
import { type Fault, faultsOf } from './faults.ts';
import { canMount, OWN_MOUNTS } from './full-disk.ts';
import { hostileImages, MAX_IMAGE_BYTES, oddlyNamedImages } from './hostile.ts';
import { type NamedImage, smallImage, smallImages } from './images.ts';
import { MemoryWatch } from './memory.ts';
import { KeptWorker } from './workers.ts';

export interface ProofOptions {
  /** Good images in the folder, beside hostile ones. */
  images: number;
  /** Of these also in a bucket. */
  inBucket: number;
  /** Of the results compared with what `detect` gives; of all others the digests are checked. */
  sample: number;
  shardImages: number;
  ackWaitMs: number;
  /** Makes jobs last long enough for what is to happen to them. */
  readMs: number;
  /** Whether one image kills every worker that reads it. */
  isOneDeadly: boolean;
  /** One group after the other, the faults of a group at the same time. */
  groups: (faults: ReturnType<typeof faultsOf>) => Fault[][];
  /** Within which all jobs must have ended. */
  limitMs: number;
  say: (text: string) => void;
}

export interface Proof {
  seconds: number;
  images: number;
  failed: number;
  /** Results that were there already. */
  cached: number;
  /** How often workers ended. */
  workersEnded: number;
  compared: number;
  /** Most resident memory that a worker had, in bytes. */
  workerMemoryBytes: number;
}

const DEADLY = 'deadly.png';
/** Of a worker with one thread: Node.js, the addon, and a few images of at most MAX_IMAGE_BYTES. */
const MAX_WORKER_BYTES = 700 * 1024 * 1024;

/**
 * Three NATS servers, three workers, two equal jobs over a folder and one over a bucket, while everything that can fail
 * does. Then every image must have its result, the same as without all that, and be reported once.
 *
 * @throws Error saying what is not so
 */
export async function proveJobs(options: ProofOptions): Promise<Proof> {
  const ends: (() => Promise<unknown>)[] = [];
  try {
    return await prove(options, (end) => ends.unshift(end));
  } finally {
    for (const end of ends) await end();
  }
}

async function prove(options: ProofOptions, atEnd: (end: () => Promise<unknown>) => void): Promise<Proof> {
  const { say, ackWaitMs } = options;
  const s3 = await startS3Server();
  atEnd(s3.stop);
  const way = await startSwitchableProxy();
  atEnd(way.stop);
  way.switchTo(s3.endpoint);
  Object.assign(process.env, s3.credentials);
  const bucket = new S3Storage(createS3Client({ endpoint: s3.endpoint, region: 'us-east-1' }), s3.bucket);
  const settings = {
    JOBS_S3: 'true',
    JOBS_S3_ENDPOINT: way.url,
    JOBS_SHARD_IMAGES: String(options.shardImages),
    JOBS_ACK_WAIT_MS: String(ackWaitMs),
    MAX_IMAGE_BYTES: String(MAX_IMAGE_BYTES),
    LOG_LEVEL: 'info',
  };
  const stack = await startBulkStack(settings, { natsServers: 3 });
  atEnd(stack.stop);
  const origin = await startOriginServer({ MAX_IMAGE_BYTES: String(MAX_IMAGE_BYTES) });
  atEnd(origin.stop);

  const images = await makeImages(options, stack, { bucket, name: s3.bucket });
  const canFillDisk = canMount();
  if (!canFillDisk) say('SKIPPED, this user may not mount: a full disk');
  const workers = await startWorkers(stack, options, canFillDisk);
  const memory = new MemoryWatch(() => workers.map(({ process }) => process.pid));
  atEnd(async () => {
    memory.stop();
    for (const worker of workers) worker.release();
  });

  const output = path.join(stack.folder, 'results');
  const began = performance.now();
  const ofFolder = { source: { prefix: path.join(stack.folder, 'images') }, output };
  const ofBucket = {
    source: { manifest: `s3://${s3.bucket}/lists/all.ndjson` },
    output: `s3://${s3.bucket}/results/`,
  };
  const jobs = [await stack.create(ofBucket), await stack.create(ofFolder), await stack.create(ofFolder)];
  const faults = faultsOf({
    stack,
    workers,
    canFillDisk,
    output,
    bucket: { cut: () => way.switchTo(undefined), open: () => way.switchTo(s3.endpoint) },
    lastsMs: 2 * ackWaitMs,
  });
  const handIn = async () => void jobs.push(await stack.create(ofFolder));
  await disturb(options, { stack, jobs, handIn }, options.groups(faults));
  const ended: JobResponse[] = [];
  for (const { id } of jobs) ended.push(await stack.untilEnded(id, options.limitMs));
  const seconds = (performance.now() - began) / 1000;
  say(`all jobs have ended after ${seconds.toFixed(1)} s; the results are compared`);

  const [first, ...others] = ended;
  if (!first) throw new TypeError('no job');
  const expected = await expectations(origin, images, options);
  const fromBucket = (name: string) =>
    bucket.get(`results/_edgesift/${first.id}/${name}`, { maxBytes: 2 ** 26 });
  const inBucket = images.filter((_, index) => index < options.inBucket);
  checkRows(first, await readReports(first, fromBucket), inBucket, expected, (name) => `images/${name}`);
  for (const job of others) {
    const rows = await readReports(job, fileReader(path.join(output, '_edgesift', job.id)));
    checkRows(job, rows, images, expected, (name) => path.join(stack.folder, 'images', name));
  }
  const compared = await checkResults(output, images, expected);
  for (const { name } of inBucket) {
    const bytes = await bucket.get(`results/${name}.safetensors`, { maxBytes: 2 ** 26 });
    const same = await readFile(path.join(output, `${name}.safetensors`));
    if (!same.equals(bytes)) throw new Error(`${name} has another result in the bucket than in the folder`);
  }
  const workerMemoryBytes = memory.stop();
  if (workerMemoryBytes > MAX_WORKER_BYTES) throw new Error(`a worker took ${workerMemoryBytes} bytes`);
  const sum = (count: 'succeeded' | 'failed' | 'cached') =>
    ended.reduce((total, job) => total + job.images[count], 0);
  return {
    seconds,
    images: sum('succeeded') + sum('failed'),
    failed: sum('failed'),
    cached: sum('cached'),
    workersEnded: workers.reduce((total, worker) => total + worker.ends, 0),
    compared,
    workerMemoryBytes,
  };
}

/** In the folder all of them; in the bucket the first, with a manifest. */
async function makeImages(
  { images: count, inBucket, isOneDeadly, say }: ProofOptions,
  { folder }: BulkStack,
  { bucket, name: bucketName }: { bucket: S3Storage; name: string },
): Promise<NamedImage[]> {
  const images = await smallImages(count);
  images.push(...(await hostileImages()), ...(await oddlyNamedImages()));
  if (isOneDeadly) images.push({ ...(await smallImage(count)), name: DEADLY });
  for (const { name, bytes } of images) {
    const file = path.join(folder, 'images', name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, bytes);
  }
  const lines = images
    .slice(0, inBucket)
    .map(({ name }) => JSON.stringify({ image: `s3://${bucketName}/images/${name}`, output: name }));
  await bucket.put('lists/all.ndjson', new TextEncoder().encode(lines.join('\n')), 'application/x-ndjson');
  for (const { name, bytes } of images.slice(0, inBucket)) {
    await bucket.put(`images/${name}`, bytes, 'application/octet-stream');
  }
  say(`${images.length} images in a folder, ${inBucket} of them in a bucket too`);
  return images;
}

async function startWorkers(
  stack: BulkStack,
  { readMs, isOneDeadly }: ProofOptions,
  canFillDisk: boolean,
): Promise<[KeptWorker, KeptWorker, KeptWorker]> {
  const environment = {
    NODE_OPTIONS: `--import=${fromRoot('test', 'fixtures', 'worker-preload.ts')}`,
    SLOW_READS: '/images/',
    SLOW_READ_MS: String(readMs),
    ...(isOneDeadly && { DEADLY_READS: `/${DEADLY}` }),
  };
  return Promise.all([
    KeptWorker.start(stack, environment),
    KeptWorker.start(stack, environment),
    KeptWorker.start(stack, environment, canFillDisk ? OWN_MOUNTS : []),
  ]);
}

/** Each group of faults when its share of the work is done; with one more job where all have ended before. */
async function disturb(
  { say, limitMs }: ProofOptions,
  { stack, jobs, handIn }: { stack: BulkStack; jobs: readonly JobResponse[]; handIn: () => Promise<void> },
  groups: readonly Fault[][],
): Promise<void> {
  const deadline = Date.now() + limitMs;
  for (const [index, group] of groups.entries()) {
    const due = (index + 0.5) / (groups.length + 1);
    let done = 0;
    while (done < due) {
      if (Date.now() > deadline) throw new Error(`in the time for all, ${Math.floor(100 * done)} % is done`);
      await sleep(100);
      done = (await shareDone(stack, jobs)) ?? done;
    }
    if (done === 1) await handIn();
    say(group.map(({ name }) => name).join(', and '));
    await Promise.all(group.map(({ cause }) => cause()));
  }
}

/** 1 when all images are done; undefined while the job service is away. */
async function shareDone(stack: BulkStack, jobs: readonly JobResponse[]): Promise<number | undefined> {
  const now = await Promise.all(jobs.map(({ id }) => stack.job(id))).catch(() => undefined);
  if (!now) return undefined;
  const total = now.reduce((sum, { images }) => sum + (images.total ?? Number.POSITIVE_INFINITY), 0);
  return now.reduce((sum, { images }) => sum + images.done, 0) / total;
}

/** Of a sample, and of all that are not good images. */
async function expectations(
  origin: OriginServer,
  images: readonly NamedImage[],
  { images: good, sample }: ProofOptions,
): Promise<Map<string, Detected>> {
  const expected = new Map<string, Detected>();
  const step = Math.max(1, Math.floor(good / sample));
  for (const [index, image] of images.entries()) {
    if (image.name === DEADLY) expected.set(image.name, { code: 'INTERNAL_SERVER_ERROR' });
    else if (index >= good || index % step === 0) expected.set(image.name, await detect(origin, image));
  }
  return expected;
}

function checkRows(
  job: JobResponse,
  rows: Map<string, Row>,
  images: readonly NamedImage[],
  expected: ReadonlyMap<string, Detected>,
  keyOf: (name: string) => string,
): void {
  if (job.state !== 'completed') throw new Error(`${job.id} is ${job.state}: ${job.message}`);
  if (rows.size !== images.length) throw new Error(`${rows.size} rows for ${images.length} images`);
  for (const { name, bytes } of images) {
    const row = rows.get(keyOf(name));
    if (!row) throw new Error(`${name} is not reported`);
    const wanted = expected.get(name);
    const code = wanted && 'code' in wanted ? wanted.code : '';
    if (row.code !== code) throw new Error(`${name} is reported as '${row.code}', detect gives '${code}'`);
    if (code === '' && row.sha256 !== sha256(bytes))
      throw new Error(`${name} is reported with another digest`);
  }
  const { succeeded, failed, total } = job.images;
  const failures = rows
    .values()
    .filter(({ status }) => status === 'failed')
    .toArray().length;
  if (failed !== failures || succeeded !== rows.size - failures || total !== rows.size) {
    throw new Error(`${job.id} has counted ${JSON.stringify(job.images)}, and its reports say otherwise`);
  }
}

/** @returns how many were compared byte for byte */
async function checkResults(
  output: string,
  images: readonly NamedImage[],
  expected: ReadonlyMap<string, Detected>,
): Promise<number> {
  const good = images.filter(({ name }) => !('code' in (expected.get(name) ?? {})));
  const entries = await readdir(output, { recursive: true, withFileTypes: true });
  const found = entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.safetensors'))
    .map((entry) => path.relative(output, path.join(entry.parentPath, entry.name)));
  const wanted = new Set(good.map(({ name }) => `${name}.safetensors`));
  if (found.length !== wanted.size || found.some((name) => !wanted.has(name))) {
    throw new Error(`${found.length} results for ${wanted.size} images`);
  }
  let compared = 0;
  for (const { name, bytes } of good) {
    const result = new Uint8Array(await readFile(path.join(output, `${name}.safetensors`)));
    if (decodePayload(result).metadata.image.sha256 !== sha256(bytes))
      throw new Error(`${name} has another's result`);
    const detected = expected.get(name);
    if (!detected || !('features' in detected)) continue;
    if (!Buffer.from(detected.features).equals(result)) throw new Error(`${name} is not what detect gives`);
    compared += 1;
  }
  return compared;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
