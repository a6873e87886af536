import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import type { PixelImage } from '../origin/native/addon.ts';
import {
  loadNativeVehicles,
  type NativeMixture,
  type NativeModel,
  type NativeVocabulary,
} from '../origin/vehicles/native.ts';
import { drawing } from './drawings.ts';
import { Random } from './random.ts';
import { decodePhoto, jittered, withoutVehicle } from './views.ts';

/** What the threads of a run need to know. */
export interface WorkerSettings {
  seed: number;
  /** Scenes that vehicles are placed in, absolute paths. */
  scenes: readonly string[];
  vocabulary?: NativeVocabulary;
  colours?: NativeMixture;
}

/** One image's part of a phase. `file` is absolute, `name` makes its random numbers and is what an error names. */
export type Task =
  | {
      kind: 'descriptors';
      file: string;
      name: string;
      longest: number;
      bins: Int32Array;
      step: number;
      count: number;
    }
  | { kind: 'encode'; file: string; name: string; view: 'tight' | 'jittered' | 'whole' | 'part' }
  | { kind: 'drawing'; name: string }
  | { kind: 'search'; file: string; name: string; count: number; positive: boolean }
  | { kind: 'blocks'; file: string; name: string; count: number }
  | { kind: 'colour'; file: string; name: string }
  | { kind: 'fingerprint'; file: string; name: string };

export interface TaskResult {
  floats?: Float32Array;
  joined?: { values: Int16Array; scale: number };
  single?: { values: Int16Array; scale: number };
}

export const NO_MODEL: NativeModel = {
  packed: new Uint8Array(),
  scales: new Float32Array(),
  biases: new Float32Array(),
  vehicle_row: -1,
  margins_row: -1,
  class_rows: new Int32Array(),
  factors: new Float32Array(),
};

const BLOCK_FLOATS = 6;
/** Side of the grey image by which duplicates are found. */
const FINGERPRINT_SIDE = 16;

const settings: WorkerSettings = workerData;
const native = loadNativeVehicles();
const classifier = settings.vocabulary && new native.VehicleClassifier(settings.vocabulary, NO_MODEL);
const sceneCache = new Map<string, PixelImage>();

parentPort?.on('message', async ({ id, task }: { id: number; task: Task }) => {
  try {
    parentPort?.postMessage({ id, result: await run(task) });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    parentPort?.postMessage({ id, failure: `${task.name}: ${reason}` });
  }
});

async function run(task: Task): Promise<TaskResult> {
  const random = new Random(settings.seed, task.kind, task.name, 'view' in task ? task.view : '');
  if (task.kind === 'drawing') return encodeDrawing(random);
  const photo = await decodePhoto(await readFile(task.file));
  const seed = random.below(2 ** 30);
  switch (task.kind) {
    case 'descriptors':
      return {
        floats: native.sampleDescriptors(photo, task.longest, task.bins, task.step, task.count, seed),
      };
    case 'encode':
      return encode(photo, task.view, random);
    case 'search': {
      const longest = task.positive ? Math.round(random.between(90, 300)) : 320;
      return { floats: loaded(classifier).sampleSearch(photo, longest, task.count, seed) };
    }
    case 'blocks':
      return { floats: someBlocks(native.colourBlocks(photo), task.count, random) };
    case 'colour':
      return { joined: native.describeColour(photo, loaded(settings.colours)) };
    case 'fingerprint':
      return { floats: await fingerprint(photo) };
  }
}

async function encode(
  photo: PixelImage,
  view: 'tight' | 'jittered' | 'whole' | 'part',
  random: Random,
): Promise<TaskResult> {
  if (view === 'jittered') {
    const scene = settings.scenes[random.below(settings.scenes.length)];
    const { image, margins } = await jittered(photo, scene ? await sceneAt(scene) : undefined, random);
    const encoding = loaded(classifier).encode(image);
    return {
      floats: Float32Array.from(margins),
      joined: { values: encoding.joined, scale: encoding.joinedScale },
      single: { values: encoding.single, scale: encoding.singleScale },
    };
  }
  const image = view === 'tight' ? photo : await withoutVehicle(photo, view === 'whole', random);
  const encoding = loaded(classifier).encode(image);
  return { joined: { values: encoding.joined, scale: encoding.joinedScale } };
}

async function encodeDrawing(random: Random): Promise<TaskResult> {
  const { joined, joinedScale } = loaded(classifier).encode(await drawing(random));
  return { joined: { values: joined, scale: joinedScale } };
}

async function sceneAt(file: string): Promise<PixelImage> {
  const known = sceneCache.get(file);
  if (known) return known;
  const scene = await decodePhoto(await readFile(path.resolve(file)));
  sceneCache.set(file, scene);
  return scene;
}

function someBlocks(blocks: Float32Array, count: number, random: Random): Float32Array {
  const chosen = new Float32Array(count * BLOCK_FLOATS);
  const available = blocks.length / BLOCK_FLOATS;
  for (let i = 0; i < count; i++) {
    const at = random.below(available) * BLOCK_FLOATS;
    chosen.set(blocks.subarray(at, at + BLOCK_FLOATS), i * BLOCK_FLOATS);
  }
  return chosen;
}

/** Mean grey values of 16 × 16 cells, as differences of neighbours. */
async function fingerprint(photo: PixelImage): Promise<Float32Array> {
  const cells = new Float32Array(FINGERPRINT_SIDE * FINGERPRINT_SIDE);
  const counts = new Float32Array(cells.length);
  for (let y = 0; y < photo.height; y++) {
    for (let x = 0; x < photo.width; x++) {
      const cell =
        Math.floor((y * FINGERPRINT_SIDE) / photo.height) * FINGERPRINT_SIDE +
        Math.floor((x * FINGERPRINT_SIDE) / photo.width);
      const at = 3 * (y * photo.width + x);
      cells[cell] =
        (cells[cell] ?? 0) +
        (photo.pixels[at] ?? 0) +
        (photo.pixels[at + 1] ?? 0) +
        (photo.pixels[at + 2] ?? 0);
      counts[cell] = (counts[cell] ?? 0) + 3;
    }
  }
  return cells.map((sum, cell) => sum / Math.max(1, counts[cell] ?? 1));
}

function loaded<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('the thread was started without what this task needs');
  return value;
}
