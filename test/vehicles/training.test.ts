import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { loadClassifier, ModelError, type VehicleClassifier } from '../../origin/vehicles/classifier.ts';
import { METADATA_KEY, readModelFile } from '../../origin/vehicles/model-file.ts';
import { splitSafetensors } from '../../shared/features/safetensors.ts';
import { evaluate, evaluationOptions } from '../../training/evaluate.ts';
import { openRunLog, type RunLog } from '../../training/log.ts';
import { trainingOptions } from '../../training/options.ts';
import { Random } from '../../training/random.ts';
import { train } from '../../training/train.ts';
import { decodePhoto } from '../../training/views.ts';
import { image, makeData } from './made-data.ts';

const minutes = 60_000;
const folder = mkdtempSync(path.join(tmpdir(), 'edgesift-training-'));
let log: RunLog;
let parameters: string[];
let file: string;
let sha256: string;
let classifier: VehicleClassifier;

beforeAll(async () => {
  vi.stubEnv('SOURCE_DATE_EPOCH', '1700000000');
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  log = openRunLog(path.join(folder, 'training.log'));
  const { data, negatives } = await makeData(folder, 10);
  parameters = ['--data', data, '--negatives', negatives, '--components', '8', '--bins', '3,4'];
  ({ file, sha256 } = await train(optionsFor('first'), log));
  classifier = await loadClassifier(file);
}, 5 * minutes);

afterAll(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  await log.close();
  rmSync(folder, { recursive: true, force: true });
});

function optionsFor(name: string, { work = name, threads = 1 } = {}) {
  const out = path.join(folder, name, 'model');
  const folders = ['--out', out, '--work', path.join(folder, 'work', work)];
  return trainingOptions([...parameters, ...folders, '--threads', String(threads)]);
}

async function decoded(kind: number, index: number) {
  return decodePhoto(await image(kind, index));
}

test('what was trained recognises what it was trained on, in every attribute', async () => {
  const { attributes, class: exact, condition, vehicle } = classifier.classify(await decoded(2, 4));
  expect(exact?.top[0]?.label).toBe('Square Grid');
  expect(
    Object.fromEntries(Object.entries(attributes).map(([name, { top }]) => [name, top[0]?.label])),
  ).toEqual({
    make: 'Square',
    model: 'Grid',
    type: 'Coupe',
    color: 'green',
    decade: '2000s',
    country: 'Japan',
    stock_or_moded: 'stock',
    functional_utility: 'goods',
  });
  expect(condition?.value).toBeGreaterThan(0.5);
  expect(vehicle.isVehicle).toBe(true);
});

test('probabilities sum up to at most 1 and fall', async () => {
  const { attributes } = classifier.classify(await decoded(0, 1));
  for (const { top, entropy } of Object.values(attributes)) {
    const probabilities = top.map(({ probability }) => probability);
    expect(probabilities).toEqual(probabilities.toSorted((a, b) => b - a));
    expect(probabilities.reduce((sum, value) => sum + value, 0)).toBeLessThan(1 + 1e-9);
    expect(entropy).toBeGreaterThanOrEqual(0);
    expect(entropy).toBeLessThanOrEqual(1);
  }
});

test('an explanation sums up to the logit of the most probable class', async () => {
  const { explanation, class: exact } = classifier.classify(await decoded(1, 3), { explanation: true });
  expect(explanation?.label).toBe(exact?.top[0]?.label);
  const sum = explanation?.values.reduce((total, value) => total + value, explanation.bias) ?? Number.NaN;
  expect(sum).toBeCloseTo(explanation?.logit ?? 0, 3);
  expect(explanation?.values).toHaveLength((explanation?.columns ?? 0) * (explanation?.rows ?? 0));
});

test('a mirrored image gets the same class', async () => {
  const image = await decoded(1, 2);
  const mirrored = { ...image, pixels: new Uint8Array(image.pixels.length) };
  for (let at = 0; at < image.pixels.length; at += 3) {
    const x = (at / 3) % image.width;
    const target = at + 3 * (image.width - 1 - 2 * x);
    mirrored.pixels.set(image.pixels.subarray(at, at + 3), target);
  }
  expect(classifier.classify(mirrored).class?.top[0]?.label).toBe(
    classifier.classify(image).class?.top[0]?.label,
  );
});

test('a box is looked at alone, and one outside the image is refused', async () => {
  const image = await decoded(0, 0);
  const { box, boxSource } = classifier.classify(image, { box: { x: 40, y: -10, width: 200, height: 60 } });
  expect({ box, boxSource }).toEqual({ box: { x: 40, y: 0, width: 80, height: 50 }, boxSource: 'caller' });
  expect(() => classifier.classify(image, { box: { x: 500, y: 0, width: 10, height: 10 } })).toThrow(
    RangeError,
  );
});

test.each([
  ['one pixel', 1, 1],
  ['a line', 300, 1],
  ['a plain area', 90, 60],
])('%s shows no vehicle', (_, width, height) => {
  const image = { pixels: new Uint8Array(width * height * 3).fill(90), width, height, channels: 3 as const };
  expect(classifier.classify(image).vehicle).toEqual({ probability: 0, isVehicle: false });
});

test.each([
  ['a narrow image', 12, 200],
  ['a small one', 24, 18],
  ['one that is enlarged for the search', 70, 50],
  ['a large one', 900, 500],
])('%s without a box: the place that is found lies within it', (_, width, height) => {
  const random = new Random(1, 'search', String(width));
  const pixels = new Uint8Array(width * height * 3).map(() => random.below(256));
  const { box } = classifier.classify({ pixels, width, height, channels: 3 });
  expect(Math.min(box.x, box.y)).toBeGreaterThanOrEqual(0);
  expect(Math.min(box.width, box.height)).toBeGreaterThan(0);
  expect(box.x + box.width).toBeLessThanOrEqual(width);
  expect(box.y + box.height).toBeLessThanOrEqual(height);
});

test('the same images and seed give the same bytes, on any number of threads; what an ended run has left behind is used', async () => {
  const work = path.join(folder, 'work', 'first');
  const chunks = path.join(work, readdirSync(work)[0] ?? '', 'jittered');
  expect(existsSync(path.join(chunks, '00000.bin'))).toBe(true);
  rmSync(path.join(chunks, '00000.bin'));
  expect((await train(optionsFor('again', { work: 'first', threads: 2 }), log)).sha256).toBe(sha256);
});

test('evaluation finds the trained images right and writes figures', async () => {
  const out = path.join(folder, 'evaluation');
  const evaluation = await evaluate(
    evaluationOptions([
      ...parameters.slice(0, 4),
      ...['--model', file, '--out', out, '--images', 'all', '--disturbed', '2', '--limit', '6'],
    ]),
    log,
  );
  expect(evaluation.attributes.make).toMatchObject({ samples: 6, top1: 1 });
  expect(readdirSync(out)).toEqual(
    expect.arrayContaining([
      'evaluation.json',
      'evaluation.md',
      'make-confusion.png',
      'make-reliability.png',
    ]),
  );
});

test('a model whose training kept nothing back cannot be evaluated on what it kept back', async () => {
  const options = evaluationOptions([...parameters.slice(0, 4), '--model', file]);
  await expect(evaluate(options, log)).rejects.toThrow('trained on all images');
});

test('the run is in the log, line by line', () => {
  const lines = readFileSync(path.join(folder, 'training.log'), 'utf8').trim().split('\n');
  const entries = lines.map((line): Record<string, unknown> => JSON.parse(line));
  expect(entries).toContainEqual(expect.objectContaining({ msg: 'done', phase: 'regression' }));
});

test('a card lies beside the model', () => {
  const card = readFileSync(path.join(path.dirname(file), 'MODEL_CARD.md'), 'utf8');
  expect(card).toContain(sha256);
  expect(card).toContain('functional_utility');
});

test('a folder without images says so', async () => {
  await expect(train({ ...optionsFor('none'), data: path.join(folder, 'negatives') }, log)).rejects.toThrow(
    'holds no labelled images',
  );
});

/** The model file with its header replaced. */
function withHeader(change: (header: Record<string, unknown>) => void): Uint8Array<ArrayBuffer> {
  const { header, data } = splitSafetensors(new Uint8Array(readFileSync(file)), 1 << 20);
  change(header);
  const text = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}

function withMetadata(change: (metadata: Record<string, unknown>) => void): Uint8Array<ArrayBuffer> {
  return withHeader((header) => {
    const texts = header.__metadata__ as Record<string, string>;
    const metadata: Record<string, unknown> = JSON.parse(texts[METADATA_KEY] ?? '');
    change(metadata);
    texts[METADATA_KEY] = JSON.stringify(metadata);
  });
}

test.each<[string, () => Uint8Array<ArrayBuffer>, string]>([
  ['an empty file', () => new Uint8Array(), 'not a safetensors file'],
  ['an image', () => new Uint8Array(readFileSync('test/images/png-grey.png')), 'not a safetensors file'],
  ['half a file', () => new Uint8Array(readFileSync(file).subarray(0, 60_000)), 'do not hold'],
  ['another format', () => withMetadata((metadata) => Object.assign(metadata, { format: 1 })), 'format 2'],
  [
    'a missing tensor',
    () => withHeader((header) => Reflect.deleteProperty(header, 'projection')),
    'tensor projection is missing',
  ],
  [
    'a tensor of another shape',
    () => withHeader((header) => Object.assign(header.mean as object, { shape: [64, 2] })),
    'tensor mean',
  ],
  [
    'offsets beyond the file',
    () => withHeader((header) => Object.assign(header.mean as object, { data_offsets: [1e9, 1e9 + 512] })),
    'tensor mean',
  ],
  [
    'heads that overlap',
    () =>
      withMetadata(({ heads }) =>
        Object.assign((heads as Record<string, object>).vehicle ?? {}, { first: 0 }),
      ),
    'overlap',
  ],
  [
    'an attribute of other classes',
    () =>
      withMetadata(({ attributes }) =>
        Object.assign((attributes as Record<string, object>).make ?? {}, { of_class: [0] }),
      ),
    'does not fit the classes',
  ],
])('%s is refused as a model', (_, bytes, reason) => {
  const refuse = () => readModelFile(bytes());
  expect(refuse).toThrow(ModelError);
  expect(refuse).toThrow(reason);
});

test('a file that is not there is refused by name', async () => {
  await expect(loadClassifier('/nowhere/model.safetensors')).rejects.toThrow(
    /^\/nowhere\/model.safetensors: /,
  );
});
