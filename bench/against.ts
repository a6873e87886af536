/**
 * `node bench/against.ts FOLDER`: CPU by thread and page faults of this checkout and of another one, which is installed and
 * built, for the same requests in turn; see README.md.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { loadImages } from './images.ts';
import type { LoadJob } from './load/job.ts';
import { startLoadClient } from './load/load-client.ts';
import { circumstances } from './machine.ts';
import { cacheFeatures, pathOf, prepareEviction, SAFETENSORS } from './scenarios/cached-features.ts';
import { missJob } from './scenarios/misses.ts';
import { type Stack, startStack } from './stack.ts';
import { type Figures, ratios, Series } from './statistics.ts';
import { newVariants, variantBytes } from './variants.ts';

const SETTLE_MS = 60;
/** Less is not shown. */
const LEAST_SHOWN = 0.05;
const MISSES = { 1: 24, 4: 64 } as const;
const PAYLOADS = 200;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '9' },
    json: { type: 'string', default: 'build/bench/against.json' },
  },
});
const [folder] = positionals;
if (folder === undefined) throw new Error('usage: node bench/against.ts FOLDER [--rounds N] [--json FILE]');

const client = startLoadClient();
const { small, source } = await loadImages(undefined);
const other: { startStack: typeof startStack } = await import(
  pathToFileURL(path.resolve(folder, 'bench', 'stack.ts')).href
);
const versions = { other: await prepare(await other.startStack()), this: await prepare(await startStack()) };
const { extractor } = versions.this.stack;
const where = {
  ...(await circumstances({ extractor, peer: 'not measured', images: source })),
  against: execFileSync('git', ['-C', folder, 'rev-parse', 'HEAD'], { encoding: 'utf8' }).trim(),
};
const kinds = Object.keys(versions.this.jobs);
const series = new Map(kinds.map((kind) => [kind, { other: new Series(), this: new Series() }]));
for (let round = -1; round < Number(values.rounds); round += 1) {
  for (const [kind, ofKind] of series) {
    for (const name of round % 2 === 0 ? (['other', 'this'] as const) : (['this', 'other'] as const)) {
      const figures = await measure(versions[name], kind);
      if (round >= 0) ofKind[name].add(figures);
    }
  }
}
report();
client.stop();
await versions.other.stack.stop();
await versions.this.stack.stop();
process.exit();

interface Version {
  stack: Stack;
  /** What to send, by its name. */
  jobs: Record<string, () => Promise<LoadJob>>;
}

/** Fills its Redis. */
async function prepare(stack: Stack): Promise<Version> {
  const target = { url: stack.url, client };
  const cached = newVariants(small, PAYLOADS);
  await cacheFeatures(target, cached);
  const evict = await prepareEviction(target);
  const payloads = async (connections: number): Promise<LoadJob> => {
    await evict();
    return {
      origin: stack.url,
      method: 'GET',
      headers: SAFETENSORS,
      requests: cached.map((variant) => ({ path: pathOf(variantBytes(variant)) })),
      connections,
      expectedCache: 'HIT redis',
    };
  };
  return {
    stack,
    jobs: {
      'misses, 4 connections': async () => missJob(stack.url, newVariants(small, MISSES[4]), 4),
      'misses, 1 connection': async () => missJob(stack.url, newVariants(small, MISSES[1]), 1),
      'payloads from Redis, 16 connections': () => payloads(16),
    },
  };
}

async function measure({ stack, jobs }: Version, kind: string): Promise<Figures> {
  const job = await jobs[kind]?.();
  if (!job) throw new RangeError(kind);
  await sleep(SETTLE_MS);
  const before = usage(stack);
  const { latenciesMs, elapsedMs } = await client.send(job);
  await sleep(SETTLE_MS);
  const count = job.requests.length;
  const used = Object.entries(usage(stack)).map(([name, value]) => [
    name,
    (value - (before[name] ?? 0)) / count,
  ]);
  const sorted = latenciesMs.toSorted((a, b) => a - b);
  return {
    p50_ms: sorted[count >> 1] ?? Number.NaN,
    per_second: count / (elapsedMs / 1000),
    ...Object.fromEntries(used),
  };
}

/** Milliseconds of CPU by process and by thread's name, and page faults by process, since they were started. */
function usage({ processes }: Stack): Record<string, number> {
  const sums: Record<string, number> = {};
  const add = (name: string, value: number) => {
    sums[name] = (sums[name] ?? 0) + value;
  };
  for (const [name, pid] of Object.entries(processes)) {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const ms = Number(read(`/proc/${pid}/task/${thread}/schedstat`).split(' ')[0]) / 1e6;
      add('all_ms', ms);
      add(`${name}_ms`, ms);
      const title = Number(thread) === pid ? 'main' : read(`/proc/${pid}/task/${thread}/comm`).trim();
      if (name === 'origin') add(`origin ${title}_ms`, ms);
    }
    const stat = read(`/proc/${pid}/stat`);
    add(`${name}_faults`, Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[7]));
  }
  return sums;
}

/** Empty for a thread that has just ended. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function report(): void {
  const results = Object.fromEntries(
    [...series].map(([kind, ofKind]) => [
      kind,
      { other: ofKind.other.summarise(), this: ofKind.this.summarise() },
    ]),
  );
  mkdirSync(path.dirname(values.json), { recursive: true });
  writeFileSync(values.json, `${JSON.stringify({ circumstances: where, results }, null, 2)}\n`);
  for (const [kind, result] of Object.entries(results)) {
    process.stdout.write(`\n${kind} (medians, per request)\n`);
    for (const [name, figure] of Object.entries(result.this)) {
      const before = result.other[name];
      if (!before || before.values.length !== figure.values.length) continue;
      if (Math.max(before.median, figure.median) < LEAST_SHOWN) continue;
      const { median, min, max } = ratios(figure, before);
      const shown = [before.median, figure.median, median, min, max].map((value) => value.toFixed(2));
      process.stdout.write(
        `${name.padEnd(28)} ${shown[0]} → ${shown[1]}  ×${shown[2]} (${shown[3]}..${shown[4]})\n`,
      );
    }
  }
}
