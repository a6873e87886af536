/**
 * Decoding and SIFT of all images of a folder by the scheduler with one thread, which always has work, with nothing around
 * it. A process of its own, as a worker is one. Prints what it took as JSON, {@link decodeAndSiftSchema}.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { extractionJob } from '../../origin/jobs/extraction-job.ts';
import { createMetrics } from '../../origin/observability/metrics.ts';
import { ExtractionPool } from '../../origin/scheduler/pool.ts';
import { parseSiftParameters } from '../../shared/contract/parameters.ts';
import { readImageHeader } from '../../shared/image-header.ts';
import { countCpu, machineBusyMs } from '../cpu.ts';
import { eachAtOnce } from './each-at-once.ts';
import type { DecodeAndSift } from './throughput.ts';

const WARM_UP_IMAGES = 30;
const ENGINE = 'edgesift';
const [folder = ''] = process.argv.slice(2);
const files = await Promise.all((await readdir(folder)).map((name) => readFile(path.join(folder, name))));
const parameters = parseSiftParameters([]);
const owner = { signal: new AbortController().signal, client: 'bench' };
const pool = new ExtractionPool(
  {
    threads: 1,
    memoryBytes: 2 ** 30,
    queueLength: files.length,
    script: new URL('../../origin/jobs/thread-entry.ts', import.meta.url),
    engine: ENGINE,
    jobTimeoutMs: 30_000,
  },
  createMetrics().observer,
);
await extractAll(files.slice(0, WARM_UP_IMAGES));
const cpu = countCpu({ own: process.pid });
const busy = machineBusyMs();
const began = performance.now();
await extractAll(files);
const wallMs = performance.now() - began;
const { own: cpuMs = 0 } = cpu();
const otherCores = Math.max(0, machineBusyMs() - busy - cpuMs) / wallMs;
const result: DecodeAndSift = { seconds: wallMs / 1000, cpuMs, otherCores };
process.stdout.write(`${JSON.stringify(result)}\n`);
await pool.close();

function extractAll(images: readonly Uint8Array[]): Promise<void> {
  return eachAtOnce(images, async (original) => {
    const bytes = new Uint8Array(original);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const image = { bytes, sha256, header: readImageHeader(bytes) };
    const { task, cost } = extractionJob(image, parameters, { engine: ENGINE });
    await pool.run(task, cost, owner);
  });
}
