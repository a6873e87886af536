import path from 'node:path';
import {
  loadNativeVehicles,
  type NativeMixture,
  type NativeVehicles,
  type NativeVocabulary,
} from '../origin/vehicles/native.ts';
import {
  fingerprintOf,
  groupDuplicates,
  type Negative,
  place,
  readNegatives,
  type Sample,
} from './dataset.ts';
import { concatenate, type Encodings, encodeAll, kept } from './encodings.ts';
import type { RunLog } from './log.ts';
import { readImages } from './manifest.ts';
import type { TrainingOptions } from './options.ts';
import { runTasks } from './threads.ts';
import {
  BLOCK_DIMENSIONS,
  fitColours,
  fitVocabulary,
  flattenMixture,
  flattenVocabulary,
  type Grid,
  unflattenMixture,
  unflattenVocabulary,
} from './vocabulary.ts';
import type { Task, WorkerSettings } from './worker.ts';

/** Changes when images are encoded differently: what an older run left behind is not used then. */
const ENCODING_VERSION = 2;
const LONGEST = 256;
const STEP = 4;
const DESCRIPTORS_PER_IMAGE = 30;
const BLOCKS_PER_IMAGE = 40;
const COLOUR_COMPONENTS = 64;
/** Crops of an image without a vehicle, beside the whole. */
const PARTS_PER_NEGATIVE = 4;
/** Images with a colour alone, drawings: the classifier of vehicles against everything else learns from them too. */
const MOST_MORE_VEHICLES = 900;
const DRAWINGS = 240;
/** Descriptors of each image that the search learns from; of the vehicles, not every image is used. */
const SEARCH_SAMPLES = { vehicle: 160, other: 1200 };
const MOST_SEARCH_VEHICLES = 2000;

/** All that heads are learned from. */
export interface Prepared {
  native: NativeVehicles;
  /** Not those kept back. */
  samples: Sample[];
  /** Those with labels that are learned from the shape; the encodings' order. */
  shapes: Sample[];
  colours: Sample[];
  negatives: Negative[];
  vocabulary: NativeVocabulary;
  tight: Encodings;
  /** Of the first of `shapes`; `floats` F32[n, 4]: margins. */
  jittered: Encodings;
  /** All parts of one negative after each other. */
  others: Encodings;
  /** Views of each negative in `others`. */
  viewsPerNegative: number;
  /** Some of those that have no label but a colour, and flat drawings; empty where there are no negatives. */
  moreVehicles: { samples: Sample[]; encodings: Encodings };
  drawings: Encodings;
  search: Float32Array | undefined;
  colourVocabulary: NativeMixture | undefined;
  colourTable: Encodings | undefined;
  heldBack: number;
  /** Folder of intermediate results. */
  work: string;
}

/** Vocabularies and encodings, from the images or from what an earlier run has left behind. */
export async function prepare(options: TrainingOptions, log: RunLog): Promise<Prepared> {
  const native = loadNativeVehicles();
  const grid: Grid = {
    longest: LONGEST,
    step: STEP,
    bins: Int32Array.from(options.bins.split(',').map(Number)),
  };
  const images = await readImages(options.data, options.attribute);
  const negatives = await readNegatives(options.negatives);
  const { seed, components, threads, bins } = options;
  const work = path.join(
    options.work,
    fingerprintOf([ENCODING_VERSION, seed, components, bins, images, negatives.map(({ name }) => name)]),
  );
  log.note('images', { images: images.length, negatives: negatives.length, work });
  const settings: WorkerSettings = { seed, scenes: negatives.map((negative) => negative.path) };
  const pathOf = (file: string) => path.resolve(options.data, file);

  const fingerprints = await log.phase('looking for duplicates', () =>
    kept(path.join(work, 'fingerprints.bin'), () =>
      collect(
        images.map(({ file }) => ({ kind: 'fingerprint', file: pathOf(file), name: file })),
        settings,
        threads,
        log,
      ),
    ),
  );
  const groups = groupDuplicates(native, images, fingerprints, threads);
  const all: Sample[] = images.map((image, index) => ({
    ...image,
    path: pathOf(image.file),
    group: groups[index] ?? image.file,
  }));
  log.note('duplicates', { images: images.length - new Set(groups).size });
  const withShape = all.filter(({ labels }) =>
    Object.keys(labels).some((attribute) => attribute !== 'color'),
  );
  const withColour = all.filter(({ labels }) => labels.color !== undefined);

  const forVocabulary = withShape.filter(({ group }) => place(group) < 0.5);
  const vocabularyValues = await log.phase('vocabulary', () =>
    kept(path.join(work, 'vocabulary.bin'), async () => {
      const descriptors = await collect(
        (forVocabulary.length > 0 ? forVocabulary : withColour).map(({ path: file, file: name }) => ({
          kind: 'descriptors',
          file,
          name,
          ...grid,
          count: Math.max(
            DESCRIPTORS_PER_IMAGE,
            Math.ceil((8 * components) / Math.max(1, forVocabulary.length)),
          ),
        })),
        settings,
        threads,
        log,
      );
      return flattenVocabulary(fitVocabulary(native, descriptors, grid, components, seed));
    }),
  );
  const vocabulary = unflattenVocabulary(vocabularyValues, grid);
  const encoding: WorkerSettings = { ...settings, vocabulary };
  const length = Math.ceil((components * 132) / 64) * 64;
  const encodeTable = (name: string, tasks: Task[], withSingle: boolean) =>
    log.phase(`encoding: ${name}`, () =>
      encodeAll(tasks, encoding, { folder: path.join(work, name), length, withSingle, threads, log }),
    );
  const tight = await encodeTable(
    'tight',
    withShape.map(({ path: file, file: name }) => ({ kind: 'encode', file, name, view: 'tight' })),
    false,
  );
  const others = await encodeTable(
    'others',
    negatives.flatMap(({ path: file, name }) => [
      { kind: 'encode' as const, file, name, view: 'whole' as const },
      ...Array.from({ length: PARTS_PER_NEGATIVE }, (_, part) => ({
        kind: 'encode' as const,
        file,
        name: `${name}#${part}`,
        view: 'part' as const,
      })),
    ]),
    false,
  );
  const jittered = await encodeTable(
    'jittered',
    withShape
      .slice(0, options.copies)
      .map(({ path: file, file: name }) => ({ kind: 'encode', file, name, view: 'jittered' })),
    true,
  );
  const onlyColoured = withColour.filter(({ labels }) => Object.keys(labels).length === 1);
  const every = Math.ceil(onlyColoured.length / MOST_MORE_VEHICLES);
  const more = onlyColoured.filter((_, index) => negatives.length > 0 && index % every === 0);
  const moreEncodings = await encodeTable(
    'more vehicles',
    more.map(({ path: file, file: name }) => ({ kind: 'encode', file, name, view: 'tight' })),
    false,
  );
  const drawings = await encodeTable(
    'drawings',
    Array.from({ length: negatives.length > 0 ? DRAWINGS : 0 }, (_, index) => ({
      kind: 'drawing',
      name: `drawing ${index}`,
    })),
    false,
  );
  const search =
    negatives.length > 0 && withShape.length > 0
      ? await log.phase('search', () =>
          kept(path.join(work, 'search.bin'), () =>
            learnSearch(native, withShape, negatives, encoding, options, log),
          ),
        )
      : undefined;
  const colour =
    withColour.length > 0
      ? await prepareColours(native, withColour, settings, work, options, log)
      : undefined;
  const isKept = ({ group }: Sample) => place(group) < 1 - options.holdout;
  return {
    native,
    samples: all.filter(isKept),
    shapes: withShape,
    colours: withColour,
    negatives,
    vocabulary,
    tight,
    jittered,
    others,
    viewsPerNegative: 1 + PARTS_PER_NEGATIVE,
    moreVehicles: { samples: more, encodings: moreEncodings },
    drawings,
    search,
    colourVocabulary: colour?.vocabulary,
    colourTable: colour?.table,
    heldBack: all.filter((sample) => !isKept(sample)).length,
    work,
  };
}

async function prepareColours(
  native: NativeVehicles,
  samples: readonly Sample[],
  settings: WorkerSettings,
  work: string,
  { threads, seed }: TrainingOptions,
  log: RunLog,
) {
  const values = await log.phase('colours', () =>
    kept(path.join(work, 'colours.bin'), async () => {
      const blocks = await collect(
        samples
          .filter(({ group }) => place(group) < 0.5)
          .map(({ path: file, file: name }) => ({ kind: 'blocks', file, name, count: BLOCKS_PER_IMAGE })),
        settings,
        threads,
        log,
      );
      const components = Math.min(
        COLOUR_COMPONENTS,
        Math.max(1, Math.floor(blocks.length / BLOCK_DIMENSIONS / 20)),
      );
      return flattenMixture(fitColours(native, blocks, components, seed));
    }),
  );
  const vocabulary = unflattenMixture(values, BLOCK_DIMENSIONS);
  const length = Math.ceil((vocabulary.weights.length * 12 + 567) / 64) * 64;
  const table = await log.phase('encoding: colours', () =>
    encodeAll(
      samples.map(({ path: file, file: name }) => ({ kind: 'colour', file, name })),
      { ...settings, colours: vocabulary },
      { folder: path.join(work, 'colour'), length, withSingle: false, threads, log },
    ),
  );
  return { vocabulary, table };
}

async function learnSearch(
  native: NativeVehicles,
  samples: readonly Sample[],
  negatives: readonly Negative[],
  settings: WorkerSettings,
  { threads, components, seed }: TrainingOptions,
  log: RunLog,
): Promise<Float32Array> {
  const SAMPLE_FLOATS = 80;
  const EPOCHS = 4;
  const every = Math.ceil(samples.length / MOST_SEARCH_VEHICLES);
  const onVehicles = await collect(
    samples
      .filter((_, index) => index % every === 0)
      .map(({ path: file, file: name }) => ({
        kind: 'search',
        file,
        name,
        count: SEARCH_SAMPLES.vehicle,
        positive: true,
      })),
    settings,
    threads,
    log,
  );
  const elsewhere = await collect(
    negatives.map(({ path: file, name }) => ({
      kind: 'search',
      file,
      name,
      count: SEARCH_SAMPLES.other,
      positive: false,
    })),
    settings,
    threads,
    log,
  );
  const positives = onVehicles.length / SAMPLE_FLOATS;
  return native.trainSearch(concatenate([onVehicles, elsewhere]), positives, components, EPOCHS, seed);
}

async function collect(
  tasks: readonly Task[],
  settings: WorkerSettings,
  threads: number,
  log: RunLog,
): Promise<Float32Array> {
  const parts: Float32Array[] = [];
  await runTasks(tasks, settings, threads, ({ floats }, index) => {
    if (floats) parts.push(floats);
    log.progress(index + 1, tasks.length);
  });
  return concatenate(parts);
}
