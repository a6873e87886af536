/**
 * `npm run bench:vehicles [-- --images N] [-- --folder FOLDER] [-- --save]`: what a classification costs. Writes a table, and
 * with `--save` the figures into bench/results.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { decodeImage } from '../../origin/decode/decode.ts';
import { loadNativeAddon, type PixelImage } from '../../origin/native/addon.ts';
import { loadClassifier, type VehicleClassifier } from '../../origin/vehicles/classifier.ts';
import { readModelFile } from '../../origin/vehicles/model-file.ts';
import { readRegistry, registered } from '../../origin/vehicles/registry.ts';
import { readImageHeader } from '../../shared/image-header.ts';
import { fromRoot } from '../../tools/project-root.ts';
import { circumstances } from '../machine.ts';
import { shown, table } from '../report/table.ts';
import { startStack } from '../stack.ts';
import { type Figures, Series, type Summary, summarise } from '../statistics.ts';
import { buildVlfeat, encodeByVlfeat } from './vlfeat.ts';

type Bytes = Uint8Array<ArrayBuffer>;

const HITS = 300;
const LOADS = 3;

const { values: options } = parseArgs({
  options: {
    images: { type: 'string', default: '40' },
    folder: { type: 'string', default: fromRoot('..', 'shared', 'data', 'vehicles', 'stanford_cars') },
    save: { type: 'boolean', default: false },
  },
});

const files = readdirSync(options.folder)
  .filter((name) => /\.(jpe?g|png)$/i.test(name))
  .toSorted()
  .slice(0, Number(options.images))
  .map((name): Bytes => new Uint8Array(readFileSync(path.join(options.folder, name))));
if (files.length === 0) throw new Error(`no images in ${options.folder}`);
const addon = loadNativeAddon();
const registry = fromRoot('models', 'vehicles');
const entry = registered(await readRegistry(registry), 'champion');
const modelFile = path.join(registry, entry.file);

/** Milliseconds of each load, and what the process grew by. */
async function loadTimes(): Promise<{
  load_ms: Summary;
  model_memory_mb: number;
  classifier: VehicleClassifier;
}> {
  const before = process.memoryUsage.rss();
  const classifier = await loadClassifier(modelFile);
  const grown = (process.memoryUsage.rss() - before) / 2 ** 20;
  const times: number[] = [];
  for (let count = 0; count < LOADS; count++) {
    const startedAt = performance.now();
    await loadClassifier(modelFile);
    times.push(performance.now() - startedAt);
  }
  return { load_ms: summarise(times), model_memory_mb: grown, classifier };
}

function decode(file: Bytes): Promise<PixelImage> {
  return decodeImage(addon, file, {
    header: readImageHeader(file),
    orientation: 'apply',
    colours: true,
  });
}

/** Steps of each image on one thread. */
async function stepsOf(classifier: VehicleClassifier): Promise<Record<string, Summary>> {
  const series = new Series();
  for (const [index, file] of [...files.slice(0, 3), ...files].entries()) {
    const startedAt = performance.now();
    const image = await decode(file);
    const decode_ms = performance.now() - startedAt;
    if (image.channels !== 3) continue;
    const searchedAt = performance.now();
    const { timing } = classifier.classify(image);
    const total_ms = performance.now() - searchedAt;
    const box = { x: 0, y: 0, width: image.width, height: image.height };
    const boxedAt = performance.now();
    classifier.classify(image, { box });
    const with_box_ms = performance.now() - boxedAt;
    const explainedAt = performance.now();
    classifier.classify(image, { box, explanation: true });
    const with_box_explained_ms = performance.now() - explainedAt;
    const steps = { search_ms: timing.searchMs, encode_ms: timing.encodeMs, score_ms: timing.scoreMs };
    // The first ones warm up.
    if (index >= 3) series.add({ decode_ms, ...steps, total_ms, with_box_ms, with_box_explained_ms });
  }
  return series.summarise();
}

/** Images per second, from file to response, of so many threads. */
async function throughputOf(threads: number): Promise<number> {
  const script = new URL('./thread.ts', import.meta.url);
  const workers = Array.from({ length: threads }, () => new Worker(script, { workerData: modelFile }));
  const next = (worker: Worker) => new Promise<void>((resolve) => worker.once('message', () => resolve()));
  await Promise.all(workers.map(next));
  const all = files.values();
  const startedAt = performance.now();
  await Promise.all(
    workers.map(async (worker) => {
      for (const file of all) {
        const done = next(worker);
        worker.postMessage(file);
        await done;
      }
    }),
  );
  const seconds = (performance.now() - startedAt) / 1000;
  await Promise.all(workers.map((worker) => worker.terminate()));
  return files.length / seconds;
}

/** Round trips of one client, one request after the other: the first is a miss, the others are hits in memory. */
async function requestTimes(): Promise<{ miss_ms: number; hit_ms: Summary; by_hash_hit_ms: Summary }> {
  const stack = await startStack();
  try {
    const [file] = files;
    const headers = { 'Content-Type': 'image/jpeg' };
    const upload = () =>
      fetch(`${stack.url}/api/vehicle/classify`, { method: 'POST', headers, body: file ?? null });
    const timed = async (send: () => Promise<Response>) => {
      const startedAt = performance.now();
      const response = await send();
      const text = await response.text();
      if (!response.ok) throw new Error(text);
      return { ms: performance.now() - startedAt, text };
    };
    const { text } = await timed(upload);
    const self = /"self":"([^"]+)"/.exec(text)?.[1] ?? '';
    const misses = await timed(() =>
      fetch(`${stack.url}/api/vehicle/classify?box=0,0,100,60`, {
        method: 'POST',
        headers,
        body: file ?? null,
      }),
    );
    const repeated = async (send: () => Promise<Response>) => {
      const times: number[] = [];
      for (let count = 0; count < HITS; count++) times.push((await timed(send)).ms);
      return summarise(times);
    };
    return {
      miss_ms: misses.ms,
      hit_ms: await repeated(upload),
      by_hash_hit_ms: await repeated(() => fetch(stack.url + self)),
    };
  } finally {
    await stack.stop();
  }
}

async function vlfeatTimes(): Promise<Record<string, Summary> | undefined> {
  const program = await buildVlfeat();
  if (program === undefined) return undefined;
  const { vocabulary } = readModelFile(new Uint8Array(readFileSync(modelFile)));
  const series = new Series();
  const images = await Promise.all(files.map(decode));
  for (const figures of await encodeByVlfeat(program, vocabulary, images)) series.add(figures);
  return series.summarise();
}

const { classifier, ...loading } = await loadTimes();
const steps = await stepsOf(classifier);
const vlfeat = await vlfeatTimes();
const cores = availableParallelism();
const throughput: Figures = {
  one_thread_per_s: await throughputOf(1),
  all_cores_per_s: await throughputOf(cores),
};
const memory_mb = process.memoryUsage.rss() / 2 ** 20;
const requests = await requestTimes();
const made = await circumstances({
  extractor: `${classifier.name}@${classifier.version}`,
  peer: vlfeat ? 'VLFeat (libvlfeat-dev)' : 'none',
  images: `the first ${files.length} of ${path.basename(options.folder)}`,
});

const rows: [string, string][] = [
  ['model file, MB', (classifier.bytes / 1e6).toFixed(1)],
  ['load the model, ms', shown(loading.load_ms)],
  ['memory that a loaded model takes, MB', loading.model_memory_mb.toFixed(0)],
  ['decode, ms', shown(steps.decode_ms)],
  ['search for the vehicle, ms', shown(steps.search_ms)],
  ['encode, image and mirror image, ms', shown(steps.encode_ms)],
  ['score, ms', shown(steps.score_ms)],
  ['classify with search, ms', shown(steps.total_ms)],
  ['classify a given box, ms', shown(steps.with_box_ms)],
  ['classify a given box, explained, ms', shown(steps.with_box_explained_ms)],
  ['VLFeat: dense SIFT, image and mirror image, ms', shown(vlfeat?.dsift_ms)],
  ['VLFeat: projection (plain loop), ms', shown(vlfeat?.projection_ms)],
  ['VLFeat: Fisher vector, ms', shown(vlfeat?.fisher_ms)],
  ['VLFeat: encode, all of these, ms', shown(vlfeat?.total_ms)],
  ['one thread, file to result, images/s', throughput.one_thread_per_s?.toFixed(1) ?? '-'],
  [`${cores} threads, file to result, images/s`, throughput.all_cores_per_s?.toFixed(1) ?? '-'],
  ['memory of the benchmark at its end, MB', memory_mb.toFixed(0)],
  ['service: miss, round trip, ms', requests.miss_ms.toFixed(1)],
  ['service: hit in memory with upload, round trip, ms', shown(requests.hit_ms)],
  ['service: hit in memory by hash, round trip, ms', shown(requests.by_hash_hit_ms)],
];
const text = `\`npm run bench:vehicles\`, ${made.date.slice(0, 10)}, ${made.extractor}, ${made.cores} cores, ${made.cpu}, load before ${made.load_before.toFixed(1)}, ${made.images}.
Medians; steps on one thread. VLFeat encodes the same views at the same size and bin sizes with the model's own vocabulary.

${table<[string, string]>(
  [
    ['', ([name]) => name],
    ['', ([, value]) => value],
  ],
  rows,
)}
`;
process.stdout.write(text);
if (options.save) {
  const base = fromRoot('bench', 'results', `${made.date.slice(0, 10)}-vehicles`);
  const figures = {
    circumstances: made,
    loading,
    steps,
    vlfeat: vlfeat ?? null,
    throughput,
    memory_mb,
    requests,
  };
  // Medians and ranges: the single values of hundreds of requests are of no use to anyone.
  const json = JSON.stringify(figures, (name, value: unknown) => (name === 'values' ? undefined : value), 2);
  writeFileSync(`${base}.json`, `${json}\n`);
  writeFileSync(`${base}.md`, text);
}
