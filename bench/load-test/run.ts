/** `npm run load`: how the service does under load and beyond; see ../README.md. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { describe, loadImages } from '../images.ts';
import { circumstances } from '../machine.ts';
import { peakMemory } from '../memory.ts';
import { type Column, number, table } from '../report/table.ts';
import { startStack } from '../stack.ts';
import type { Latency, StageResult } from './stage.ts';
import { runStages } from './stages.ts';

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
const stack = options.url === undefined ? await startStack() : undefined;
try {
  const url = stack?.url ?? options.url ?? '';
  const results = await runStages(url, image, { seconds, apiKey: options['api-key'] });
  report(results);
} finally {
  await stack?.stop();
}

function report(results: StageResult[]): void {
  const memory = stack ? peakMemory(stack.processes) : {};
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
