/** `npm run bench`: measures the whole service on this machine; see README.md. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { baselineScenario, startBaseline } from './baseline/baseline.ts';
import { describe, loadImages } from './images.ts';
import { startLoadClient } from './load/load-client.ts';
import { circumstances } from './machine.ts';
import { mosaicOf } from './mosaic.ts';
import { startNativeCall } from './native/native-call.ts';
import { effortOf, type Options, parseOptions } from './options.ts';
import { PEER_INSTALL_LINE, type Peer, startPeer } from './peer/peer.ts';
import { type Report, toJson } from './report/report.ts';
import { reportText } from './report/text.ts';
import { hitScenarios } from './scenarios/hits.ts';
import { measureMisses, measureMissThroughput } from './scenarios/misses.ts';
import { peerHitScenario } from './scenarios/peer-hits.ts';
import { measureScenarios } from './scenarios/scenario.ts';
import { startStack } from './stack.ts';

const options = parseOptions(process.argv.slice(2));
// The processes that we started end with us.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const report = await run(options);
mkdirSync(path.dirname(options.jsonFile), { recursive: true });
writeFileSync(options.jsonFile, toJson(report));
process.stdout.write(`\n${reportText(report)}\n\nAll figures: ${options.jsonFile}\n`);

async function run(options: Options): Promise<Report> {
  const effort = effortOf(options);
  const { images, source, small, large } = await loadImages(options.images);
  say(`images: ${source}`);
  const missed = [...images, await mosaicOf(images)];
  const stack = await startStack();
  const peer = await peerFor(options, { url: stack.redisUrl, pid: stack.redisPid });
  const baseline = await startBaseline();
  const client = startLoadClient();
  const native = startNativeCall(stack.engine);
  const opencv = stack.engine === 'opencv' ? undefined : startNativeCall('opencv');
  try {
    const { extractor } = stack;
    const facts = { extractor, peer: peer?.versions ?? 'not measured', images: source };
    const where = await circumstances(facts);
    say('filling Redis');
    const scenarios = await hitScenarios({ url: stack.url, client }, stack, { small, large }, effort);
    const ofPeer = peer && [small, large].map((image) => peerHitScenario({ peer, client, effort }, image));
    say('hits');
    const { repetitions } = effort;
    const measured = [baselineScenario(baseline, { client, effort }), ...scenarios, ...(ofPeer ?? [])];
    const hits = await measureScenarios(measured, { client, repetitions });
    say('misses');
    const misses = await measureMisses({ stack, native, opencv, peer, client }, missed, effort.missRounds);
    const missThroughput = await measureMissThroughput({ stack, peer, client }, small, effort);
    return {
      circumstances: where,
      small_image: describe(small),
      hits,
      misses,
      miss_throughput: missThroughput,
    };
  } finally {
    client.stop();
    await native.stop();
    await opencv?.stop();
    await peer?.stop();
    await baseline.stop();
    await stack.stop();
  }
}

async function peerFor(options: Options, redis: { url: string; pid: number }): Promise<Peer | undefined> {
  if (!options.peer) return undefined;
  const peer = await startPeer(redis);
  if (peer === undefined) {
    say(`PEER SKIPPED, its packages are missing. Install them with:\n\n    ${PEER_INSTALL_LINE}\n`);
  }
  return peer;
}

function say(text: string): void {
  process.stderr.write(`… ${text}\n`);
}
