/** `npm run bench`: measures the whole service on this machine; see README.md. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, type Image, type ImageSet, loadImages } from './images.ts';
import { startLoadClient } from './load/load-client.ts';
import { runStages } from './load-test/stages.ts';
import { circumstances } from './machine.ts';
import { peakMemory } from './memory.ts';
import { mosaicOf } from './mosaic.ts';
import { startNativeCall } from './native/native-call.ts';
import { effortOf, type Options, parseOptions } from './options.ts';
import { type Peer, startPeer } from './peer/peer.ts';
import { type Report, toJson } from './report/report.ts';
import { reportText } from './report/text.ts';
import { hitScenarios } from './scenarios/hits.ts';
import { type MissReport, measureMisses } from './scenarios/misses.ts';
import { peerHitScenario } from './scenarios/peer-hits.ts';
import { measureScenarios, type ScenarioReport } from './scenarios/scenario.ts';
import { measureThroughput } from './scenarios/throughput.ts';
import { startStack } from './stack.ts';

const options = parseOptions(process.argv.slice(2));
// The processes that we started end with us.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const report = await run(options);
mkdirSync(path.dirname(options.jsonFile), { recursive: true });
writeFileSync(options.jsonFile, toJson(report));
process.stdout.write(`\n${reportText(report)}\n\nAll figures: ${options.jsonFile}\n`);

async function run(options: Options): Promise<Report> {
  const { images, source, small, large } = await loadImages(options.images);
  say(`images: ${source}`);
  const report = await measure(options, { images, source, small, large });
  if (!options.parts.includes('load')) return report;
  say('load');
  return { ...report, peak_memory_bytes: await peakMemoryUnderLoad(small, effortOf(options).loadSeconds) };
}

async function measure(options: Options, { images, source, small, large }: ImageSet): Promise<Report> {
  const { parts } = options;
  const effort = effortOf(options);
  const stack = await startStack();
  const peer = await peerFor(options, { url: stack.redisUrl, pid: stack.redisPid });
  const client = startLoadClient();
  const native = startNativeCall(stack.engine);
  const opencv = stack.engine === 'opencv' ? undefined : startNativeCall('opencv');
  try {
    const { extractor } = stack;
    const facts = { extractor, peer: peer?.versions ?? 'not measured', images: source };
    const where = await circumstances(facts);
    const hits = parts.includes('hits') ? await measureHits() : [];
    const misses = parts.includes('misses') ? await measureEachMiss() : [];
    if (parts.includes('throughput')) say('throughput');
    const throughput = parts.includes('throughput')
      ? await measureThroughput({ stack, peer, client }, small, effort)
      : undefined;
    return {
      circumstances: where,
      small_image: { name: small.name, description: describe(small) },
      hits,
      misses,
      throughput,
      peak_memory_bytes: undefined,
    };
  } finally {
    client.stop();
    await native.stop();
    await opencv?.stop();
    await peer?.stop();
    await stack.stop();
  }

  async function measureHits(): Promise<ScenarioReport[]> {
    say('filling Redis');
    const scenarios = await hitScenarios({ url: stack.url, client }, stack, { small, large }, effort);
    const ofPeer = peer && [small, large].map((image) => peerHitScenario({ peer, client, effort }, image));
    say('hits');
    const { repetitions } = effort;
    return measureScenarios([...scenarios, ...(ofPeer ?? [])], { client, repetitions });
  }

  async function measureEachMiss(): Promise<MissReport[]> {
    say('misses');
    const missed = [...images, await mosaicOf(images)];
    return measureMisses({ stack, native, opencv, peer, client }, missed, effort.missRounds);
  }
}

/** Of a service that was started for it: its processes remember their peaks. */
async function peakMemoryUnderLoad(image: Image, seconds: number): Promise<Record<string, number>> {
  const stack = await startStack();
  try {
    await runStages(stack.url, image, { seconds });
    return peakMemory(stack.processes);
  } finally {
    await stack.stop();
  }
}

async function peerFor(options: Options, redis: { url: string; pid: number }): Promise<Peer | undefined> {
  if (!options.peer) return undefined;
  const peer = await startPeer(redis);
  if (peer === undefined) say('PEER SKIPPED: its Python packages are missing');
  return peer;
}

function say(text: string): void {
  process.stderr.write(`… ${text}\n`);
}
