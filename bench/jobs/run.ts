/**
 * `npm run bench:jobs`: proves that bulk jobs survive everything that can fail; with `--throughput` measures how fast they
 * are instead. Exits with 1 where a proof fails.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { loadNativeAddon } from '../../origin/native/addon.ts';
import { extractorId } from '../../shared/extractor.ts';
import { fromRoot } from '../../tools/project-root.ts';
import { circumstances } from '../machine.ts';
import { type Proof, proveJobs } from './proof.ts';
import { measureThroughput } from './throughput.ts';

const { values } = parseArgs({
  options: {
    throughput: { type: 'boolean', default: false },
    images: { type: 'string' },
    /** How often the proof runs, or rounds of the measurement. */
    times: { type: 'string' },
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
  const images = Number(values.images ?? 5_000);
  const times = Number(values.times ?? 1);
  const where = await circumstances({
    extractor: extractorId(loadNativeAddon('edgesift').engine),
    peer: 'none',
    images: `${images} images of blurred noise, 64 to 128 pixels a side`,
  });
  const proofs: Proof[] = [];
  for (let time = 1; time <= times; time += 1) {
    if (times > 1) say(`proof ${time} of ${times}`);
    proofs.push(await proveOnce(images));
    say(`every image has its result, the same and reported once: ${JSON.stringify(proofs.at(-1))}`);
  }
  if (times > 1) say(`the proof has passed ${times} times in a row`);
  return { circumstances: where, proofs };
}

function proveOnce(images: number): Promise<Proof> {
  return proveJobs({
    images,
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
}

function measure() {
  const images = Number(values.images ?? 400);
  return measureThroughput({ images, rounds: Number(values.times ?? 3), say });
}
