/**
 * `npm run bench:jobs`: proves that bulk jobs survive everything that can fail; with `--throughput` measures how fast they
 * are instead. Exits with 1 where a proof fails.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { fromRoot } from '../../tools/project-root.ts';
import { proveJobs } from './proof.ts';
import { measureThroughput } from './throughput.ts';

const { values } = parseArgs({
  options: {
    throughput: { type: 'boolean', default: false },
    images: { type: 'string' },
    json: { type: 'string' },
  },
});
const began = performance.now();
const report = values.throughput ? await measure() : await prove();
if (values.json !== undefined) {
  const file = path.resolve(fromRoot(), values.json);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(report, null, 2)}\n`);
  say(`written to ${values.json}`);
}

function say(text: string): void {
  process.stdout.write(`${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s  ${text}\n`);
}

async function prove() {
  const proof = await proveJobs({
    images: Number(values.images ?? 5_000),
    inBucket: 500,
    sample: 250,
    shardImages: 100,
    ackWaitMs: 3_000,
    readMs: 50,
    isOneDeadly: true,
    groups: (faults) => Object.values(faults).map((fault) => [fault]),
    limitMs: 15 * 60_000,
    say,
  });
  say(`every image has its result, the same and reported once: ${JSON.stringify(proof)}`);
  return proof;
}

async function measure() {
  const throughput = await measureThroughput({ images: Number(values.images ?? 400), say });
  say(JSON.stringify(throughput, null, 2));
  return throughput;
}
