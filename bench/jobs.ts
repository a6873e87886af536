/**
 * Bulk jobs over many small images: images per second with one worker and with two, then a job during which workers are
 * killed and frozen, NATS is killed and emptied, and the job service is killed; every result must be there, byte for
 * byte what an undisturbed job made, and every image in the report once. Exits with 1 where that is not so.
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isFinal, type JobResponse } from '../shared/contract/jobs.ts';
import { type BulkProcess, type BulkStack, startBulkStack } from '../test/fixtures/bulk-stack.ts';
import { newImage } from '../test/fixtures/images.ts';

const DEFAULT_IMAGES = 5_000;
const WIDTH = 320;
const HEIGHT = 240;
const BETWEEN_FAULTS_MS = 5_000;
/** Longer than a worker's shard is kept for it, 2 s in this stack. */
const FREEZE_MS = 6_000;

const images = Number(process.argv[2] ?? DEFAULT_IMAGES);
const stack = await startBulkStack({ JOBS_SHARD_IMAGES: '100' });
let worker = await stack.startWorker();
try {
  await makeImages();
  const one = await measure('one worker', 'one');
  const second = await stack.startWorker();
  const two = await measure('two workers', 'two');
  say(`two workers to one: ${(two / one).toFixed(2)}`);
  await second.stop();
  await prove(stack);
  say('every result is there, once, and the same');
} finally {
  await stack.stop();
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function makeImages(): Promise<void> {
  await mkdir(path.join(stack.folder, 'images'));
  for (let index = 0; index < images; index += 1) {
    await writeFile(path.join(stack.folder, 'images', `${index}.png`), await newImage(WIDTH, HEIGHT));
  }
  say(`${images} images of ${WIDTH}×${HEIGHT}`);
}

function start(output: string): Promise<JobResponse> {
  const source = { prefix: path.join(stack.folder, 'images') };
  return stack.create({ source, output: path.join(stack.folder, output) });
}

/** @returns images per second, planning and reports included */
async function measure(name: string, output: string): Promise<number> {
  const began = performance.now();
  const job = await untilEnded((await start(output)).id);
  if (job.images.succeeded !== images) throw new Error(`${name}: ${JSON.stringify(job.images)}`);
  const rate = images / ((performance.now() - began) / 1000);
  say(`${name}: ${rate.toFixed(1)} images per second`);
  return rate;
}

async function untilEnded(id: string): Promise<JobResponse> {
  for (;;) {
    const job = await stack.job(id).catch(() => undefined);
    if (job && isFinal(job.state) && job.finished_at !== null) return job;
    await sleep(100);
  }
}

async function prove({ nats, folder }: BulkStack): Promise<void> {
  const { id } = await start('faults');
  const other = await stack.startWorker();
  const isOver = disturb(id, other);
  const job = await untilEnded(id);
  await isOver;
  if (job.state !== 'completed' || job.images.succeeded !== images) throw new Error(JSON.stringify(job));
  const reports = path.join(folder, 'faults', '_edgesift', id, 'reports');
  const rows = (
    await Promise.all((await readdir(reports)).map((name) => readFile(path.join(reports, name), 'utf8')))
  )
    .join('')
    .trimEnd()
    .split('\n');
  const keys = new Set(rows.map((row) => row.split(',')[1]));
  if (rows.length !== images || keys.size !== images)
    throw new Error(`${rows.length} rows, ${keys.size} images`);
  for (let index = 0; index < images; index += 1) {
    const read = (output: string) => readFile(path.join(folder, output, `${index}.png.safetensors`));
    if (!(await read('one')).equals(await read('faults'))) throw new Error(`${index}.png differs`);
  }
  await nats.kill();
}

/** One fault after the other, until the job has ended. */
async function disturb(id: string, other: BulkProcess): Promise<void> {
  const faults: [string, () => Promise<void>][] = [
    [
      'a worker is killed',
      async () => {
        await worker.kill();
        worker = await stack.startWorker();
      },
    ],
    [
      'a worker is frozen',
      async () => {
        other.pause();
        await sleep(FREEZE_MS);
        other.resume();
      },
    ],
    ['NATS is killed', () => stack.nats.restart()],
    ['the job service is killed', () => stack.restartJobService()],
    ['NATS is killed and emptied', () => stack.nats.restart({ emptied: true })],
  ];
  for (const [name, cause] of faults) {
    await sleep(Math.min(BETWEEN_FAULTS_MS, images * 10));
    const job = await stack.job(id).catch(() => undefined);
    if (job && isFinal(job.state)) {
      say(`over before: ${name}`);
      return;
    }
    say(name);
    await cause();
  }
}
