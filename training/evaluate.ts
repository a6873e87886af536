import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import * as z from 'zod';
import type { PixelImage } from '../origin/native/addon.ts';
import {
  type Box,
  type Classification,
  LABEL_ATTRIBUTES,
  loadClassifier,
  type VehicleClassifier,
} from '../origin/vehicles/classifier.ts';
import { percent, table } from './card.ts';
import { labelOf, modelNames } from './classes.ts';
import { type Negative, place, readNegatives, type Sample } from './dataset.ts';
import type { RunLog } from './log.ts';
import { readImages } from './manifest.ts';
import { figuresOf, type Predictions } from './predictions.ts';
import { Random } from './random.ts';
import { writeFigures } from './report.ts';
import { blurred, composite, decodePhoto, looser, shifted } from './views.ts';
import { writeWhole } from './write-model.ts';

const optionsSchema = z.object({
  data: z.string({ error: 'give the folder with the images: --data FOLDER' }),
  attribute: z.string().optional(),
  model: z.string().default('models/vehicles/1/model.safetensors'),
  negatives: z.array(z.string()).default([]),
  out: z.string().default('.local/evaluation'),
  /** `held-back`: only what the model's training kept back. */
  images: z.enum(['held-back', 'all']).default('held-back'),
  /** Images at most for each disturbance, and for all others; 0 for any number. */
  disturbed: z.coerce.number().int().min(0).default(200),
  limit: z.coerce.number().int().min(0).default(0),
});
type EvaluationOptions = z.infer<typeof optionsSchema>;

type Disturb = (image: PixelImage, random: Random) => Promise<{ image: PixelImage; box?: Box }>;

const SCENE = { width: 1200, height: 833 };

/** What `npm run evaluate` measures beside the images as they are. */
function disturbances(scenes: readonly PixelImage[]): Record<string, Disturb> {
  const inScene =
    (share: number): Disturb =>
    async (image, random) => {
      const scene = scenes[random.below(scenes.length)];
      if (scene === undefined) throw new Error('composites need images without vehicles');
      return composite(image, scene, SCENE.width, SCENE.height, share, random);
    };
  return {
    'as it is, again': async (image) => ({ image }),
    '10 % looser': async (image) => ({ image: await looser(image, 0.05) }),
    '10 % looser on each side': async (image) => ({ image: await looser(image, 0.1) }),
    'shifted by 10 %': async (image) => ({ image: await shifted(image, 0.1) }),
    'blurred, σ 1': async (image) => ({ image: await blurred(image, 1) }),
    'blurred, σ 2': async (image) => ({ image: await blurred(image, 2) }),
    ...(scenes.length > 0 && {
      'a third of the area of a scene': inScene(1 / 3),
      'a third of the width of a scene': inScene(1 / 9),
    }),
  };
}

export interface Evaluation {
  attributes: Record<string, { samples: number; top1: number; top5: number; ece: number }>;
  disturbed: Record<string, Record<string, number>>;
  vehicles: { found: number; of: number };
  negatives: { refused: number; of: number };
  millisecondsPerImage: number;
}

/** Classifies images with known labels as the service does, and writes down how often it is right. */
export async function evaluate(options: EvaluationOptions, log: RunLog): Promise<Evaluation> {
  const classifier = await log.phase('loading the model', () => loadClassifier(options.model));
  const samples = limited(await samplesOf(options, classifier), options.limit);
  const negatives = await readNegatives(options.negatives);
  log.note('evaluation', { ...options, images: samples.length, sha256: classifier.sha256 });
  const plain = await log.phase('images as they are', () =>
    classifyAll(classifier, samples, async (image) => ({ image }), log),
  );
  const attributes: Evaluation['attributes'] = {};
  for (const [attribute, predictions] of Object.entries(predictionsOf(classifier, plain.pairs))) {
    const { samples: count, top1, top5, ece } = figuresOf(predictions);
    attributes[attribute] = { samples: count, top1, top5, ece };
    log.note(attribute, attributes[attribute]);
    await writeFigures(options.out, attribute, predictions);
  }
  const withClass = limited(
    samples.filter(({ labels }) => labels.make !== undefined),
    options.disturbed,
  );
  const disturbed: Evaluation['disturbed'] = {};
  if (withClass.length > 0) {
    const scenes = await Promise.all(
      negatives.slice(0, 60).map(async (scene) => decodePhoto(await readFile(scene.path))),
    );
    for (const [name, disturb] of Object.entries(disturbances(scenes))) {
      const { pairs, overlap } = await log.phase(name, () =>
        classifyAll(classifier, withClass, disturb, log),
      );
      const right = Object.entries(predictionsOf(classifier, pairs)).map(([attribute, predictions]) => [
        attribute,
        figuresOf(predictions).top1,
      ]);
      disturbed[name] = { ...Object.fromEntries(right), ...(overlap !== undefined && { overlap }) };
      log.note(name, disturbed[name]);
    }
  }
  const evaluation: Evaluation = {
    attributes,
    disturbed,
    vehicles: {
      found: plain.pairs.filter(({ result }) => result.vehicle.isVehicle).length,
      of: samples.length,
    },
    negatives: await log.phase('images without a vehicle', () => refusals(classifier, negatives, log)),
    millisecondsPerImage: plain.milliseconds / Math.max(1, samples.length),
  };
  log.note('vehicle or not', { vehicles: evaluation.vehicles, negatives: evaluation.negatives });
  await writeWhole(path.join(options.out, 'evaluation.json'), `${JSON.stringify(evaluation, null, 1)}\n`);
  await writeWhole(path.join(options.out, 'evaluation.md'), report(evaluation));
  return evaluation;
}

async function samplesOf(options: EvaluationOptions, { metadata }: VehicleClassifier): Promise<Sample[]> {
  const images = await readImages(options.data, options.attribute);
  const samples = images.map((image) => ({
    ...image,
    path: path.resolve(options.data, image.file),
    group: image.file,
  }));
  if (options.images === 'all') return samples;
  const held = samples.filter(({ group }) => place(group) >= 1 - metadata.holdout);
  if (held.length === 0) {
    throw new Error(
      'the model was trained on all images: use --images all with images that it does not know',
    );
  }
  return held;
}

interface Pair {
  sample: Sample;
  result: Classification;
}

async function classifyAll(
  classifier: VehicleClassifier,
  samples: readonly Sample[],
  disturb: Disturb,
  log: RunLog,
): Promise<{ pairs: Pair[]; milliseconds: number; overlap?: number }> {
  const pairs: Pair[] = [];
  const overlaps: number[] = [];
  let milliseconds = 0;
  for (const [index, sample] of samples.entries()) {
    const random = new Random(0, 'evaluation', sample.file);
    const { image, box } = await disturb(await decodePhoto(await readFile(sample.path)), random);
    const started = performance.now();
    const result = classifier.classify(image);
    milliseconds += performance.now() - started;
    pairs.push({ sample, result });
    if (box) overlaps.push(overlapOf(box, result.box));
    log.progress(index + 1, samples.length);
  }
  const mean = overlaps.reduce((sum, value) => sum + value, 0) / overlaps.length;
  return { pairs, milliseconds, ...(overlaps.length > 0 && { overlap: mean }) };
}

/** Intersection over union. */
function overlapOf(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  const common = Math.max(0, width) * Math.max(0, height);
  return common / (a.width * a.height + b.width * b.height - common);
}

/** By attribute; the five labels that a response holds, all others as zero. */
function predictionsOf({ metadata }: VehicleClassifier, pairs: readonly Pair[]): Record<string, Predictions> {
  const names = modelNames(pairs.map(({ sample }) => sample));
  const result: Record<string, Predictions> = {};
  for (const attribute of ['class', ...LABEL_ATTRIBUTES] as const) {
    const labels = metadata.attributes[attribute]?.labels;
    if (!labels) continue;
    const known = pairs.flatMap(({ sample, result: classification }) => {
      const truth = labels.indexOf(labelOf(sample, attribute, names) ?? '');
      const predicted = attribute === 'class' ? classification.class : classification.attributes[attribute];
      return truth < 0 || !predicted ? [] : [{ truth, top: predicted.top }];
    });
    if (known.length === 0) continue;
    result[attribute] = {
      labels,
      truth: known.map(({ truth }) => truth),
      predicted: known.map(({ top }) => labels.indexOf(top[0]?.label ?? '')),
      probabilities: known.map(({ top }) => {
        const values = new Array<number>(labels.length).fill(0);
        for (const { label, probability } of top) values[labels.indexOf(label)] = probability;
        return values;
      }),
    };
  }
  return result;
}

async function refusals(classifier: VehicleClassifier, negatives: readonly Negative[], log: RunLog) {
  let refused = 0;
  for (const [index, negative] of negatives.entries()) {
    const image = await decodePhoto(await readFile(negative.path));
    if (!classifier.classify(image).vehicle.isVehicle) refused++;
    log.progress(index + 1, negatives.length);
  }
  return { refused, of: negatives.length };
}

function limited<Item>(items: readonly Item[], most: number): Item[] {
  if (most === 0 || items.length <= most) return [...items];
  return items.filter(
    (_, index) =>
      Math.floor((index * most) / items.length) !== Math.floor(((index - 1) * most) / items.length),
  );
}

/** The evaluation as Markdown. */
export function report({
  attributes,
  disturbed,
  vehicles,
  negatives,
  millisecondsPerImage,
}: Evaluation): string {
  const columns = ['make', 'model', 'class', 'type'];
  return [
    table(
      ['attribute', 'images', 'top-1 %', 'top-5 %', 'ECE %'],
      Object.entries(attributes).map(([name, { samples, top1, top5, ece }]) => [
        name,
        String(samples),
        percent(top1),
        percent(top5),
        percent(ece),
      ]),
    ),
    table(
      ['disturbance', ...columns.map((column) => `${column} %`), 'overlap with the true box %'],
      Object.entries(disturbed).map(([name, shares]) => [
        name,
        ...[...columns, 'overlap'].map((column) =>
          shares[column] === undefined ? '' : percent(shares[column]),
        ),
      ]),
    ),
    `Vehicles called so: ${vehicles.found} of ${vehicles.of}. Images without a vehicle called so: ${negatives.refused} of ${negatives.of}. ${millisecondsPerImage.toFixed(0)} ms an image on this machine.`,
    '',
  ].join('\n\n');
}

/** @throws z.ZodError or TypeError for arguments that are none */
export function evaluationOptions(parameters: readonly string[]): EvaluationOptions {
  const single = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...parameters],
    options: {
      data: single,
      attribute: single,
      model: single,
      negatives: { type: 'string', multiple: true },
      out: single,
      images: single,
      disturbed: single,
      limit: single,
    },
  });
  return optionsSchema.parse(values);
}
