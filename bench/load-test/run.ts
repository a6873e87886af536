/** `npm run load`: how the service does under load and beyond; see ../README.md. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type autocannon from 'autocannon';
import { describe, loadImages } from '../images.ts';
import { DETECT_PATH } from '../load/detect-job.ts';
import { circumstances } from '../machine.ts';
import { type Column, number, table } from '../report/table.ts';
import { type Stack, startStack } from '../stack.ts';
import { type Latency, runStage, type Stage, type StageResult } from './stage.ts';

/** An origin has 64 places in its queue: the last of these are far beyond. */
const RAMP = [8, 32, 128, 256];
const HIT_SHARE = 0.8;

const { values: options } = parseArgs({
  options: {
    url: { type: 'string' },
    'api-key': { type: 'string' },
    json: { type: 'string', default: 'build/bench/load.json' },
    images: { type: 'string' },
    seconds: { type: 'string', default: '15' },
  },
});
const seconds = Number(options.seconds);
if (!(seconds >= 1)) throw new TypeError('--seconds must be a number from 1 on');
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const { small: image, source } = await loadImages(options.images);
const headers = {
  'content-type': `image/${image.format}`,
  ...(options['api-key'] && { 'x-api-key': options['api-key'] }),
};
const request = (body: Uint8Array): autocannon.Request => ({
  method: 'POST',
  path: DETECT_PATH,
  headers,
  body,
});
/** Decoders ignore what follows the image, hashes do not. */
const newBody = () => Buffer.concat([image.bytes, randomBytes(8)]);
const known = newBody();
const hit = () => request(known);
const miss = () => request(newBody());
const mixed = () => (Math.random() < HIT_SHARE ? hit() : miss());

const stack = options.url === undefined ? await startStack() : undefined;
try {
  const results = await runStages(stack?.url ?? options.url ?? '');
  report(results);
} finally {
  await stack?.stop();
}

async function runStages(url: string): Promise<StageResult[]> {
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

function report(results: StageResult[]): void {
  const memory = stack ? peakMemory(stack) : {};
  const columns: Column<StageResult>[] = [
    ['stage', ({ stage }) => stage],
    ['conn', ({ connections }) => String(connections)],
    ['responses/s', ({ responses_per_s }) => number(responses_per_s)],
    ['outcomes', ({ outcomes }) => outcomesText(outcomes)],
    ['broken', ({ failures }) => String(failures)],
    ['200: p50, p99, max ms', ({ ok_ms }) => latencyText(ok_ms)],
    ['refused: p50, p99, max ms', ({ refused_ms }) => latencyText(refused_ms)],
  ];
  const peaks = Object.entries(memory).map(([name, bytes]) => `${name} ${Math.round(bytes / 1e6)} MB`);
  const lines = [
    `Image: ${describe(image)}, ${image.width}×${image.height}, from ${source}`,
    '',
    table(columns, results),
    '',
    ...(peaks.length > 0 ? [`Most memory of each process: ${peaks.join(', ')}`] : []),
    `All figures: ${options.json}`,
  ];
  process.stdout.write(`\n${lines.join('\n')}\n`);
  void writeJson({ results, peak_memory_bytes: memory });
}

async function writeJson(figures: object): Promise<void> {
  const extractor = stack?.extractor ?? `of ${options.url}`;
  const where = await circumstances({ extractor, peer: 'not measured', images: source });
  mkdirSync(path.dirname(options.json), { recursive: true });
  writeFileSync(options.json, `${JSON.stringify({ circumstances: where, ...figures }, null, 2)}\n`);
}

function outcomesText(outcomes: Record<string, number>): string {
  return Object.entries(outcomes)
    .toSorted(([, a], [, b]) => b - a)
    .map(([outcome, count]) => `${count} × ${outcome}`)
    .join(', ');
}

function latencyText(latency: Latency | null): string {
  return latency === null ? '-' : [latency.p50, latency.p99, latency.max].map(number).join(', ');
}

/** Bytes that each process had resident at most, from its start on. */
function peakMemory({ processes }: Stack): Record<string, number> {
  const peaks = Object.entries(processes).map(([name, pid]): [string, number] => {
    const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return [name, Number(kilobytes) * 1024];
  });
  return Object.fromEntries(peaks);
}
