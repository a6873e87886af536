import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { extractFeatures } from '../../origin/jobs/extract.ts';
import { loadNativeAddon } from '../../origin/native/addon.ts';
import { DEFAULT_SIFT_PARAMETERS } from '../../shared/contract/parameters.ts';
import { decodePayload } from '../../shared/features/payload.ts';
import { readImageHeader } from '../../shared/image-header.ts';
import { sha256Hex } from '../../shared/sha256.ts';
import { ownImage, SHARED_DATA, sharedDataMissing } from '../fixtures/images.ts';
import { flatFeatures } from './flat-features.ts';
import { payloadOf } from './golden-payload.ts';
import { runTool, toolMissing, withFolder } from './real-tool.ts';
import { writeFeatureFile } from './write-file.ts';

/** What COLMAP has of one image in its database: x, y and a 2×2 affinity a keypoint; its descriptors. */
interface Database {
  keypoints: Float32Array;
  descriptors: Uint8Array;
}

const rowSchema = z.object({ rows: z.int(), cols: z.int(), data: z.instanceof(Uint8Array).nullable() });

function readDatabase(path: string): Database {
  const database = new DatabaseSync(path, { readOnly: true });
  const read = (table: 'keypoints' | 'descriptors', cols: number) => {
    const row = rowSchema.parse(database.prepare(`SELECT rows, cols, data FROM ${table}`).get());
    expect(row.rows === 0 || row.cols === cols).toBe(true);
    return new Uint8Array(row.data ?? []);
  };
  const keypoints = new Float32Array(read('keypoints', 6).buffer);
  const descriptors = read('descriptors', 128);
  database.close();
  return { keypoints, descriptors };
}

const imageSchema = z.object({
  name: z.string(),
  width: z.int(),
  height: z.int(),
  rows: z.int(),
  data: z.instanceof(Uint8Array),
});

/** Every image with the size of its camera and the places of its keypoints, as COLMAP has them. */
function readImages(path: string) {
  const database = new DatabaseSync(path, { readOnly: true });
  const rows = database
    .prepare(
      'SELECT name, width, height, rows, data FROM images JOIN cameras USING (camera_id) JOIN keypoints USING (image_id)',
    )
    .all();
  database.close();
  return z
    .array(imageSchema)
    .parse(rows)
    .map(({ rows: count, data, ...image }) => {
      const keypoints = new Float32Array(new Uint8Array(data).buffer);
      const places = Array.from({ length: count }, (_, index) => [
        ...keypoints.subarray(6 * index, 6 * index + 2),
      ]);
      return { ...image, places };
    });
}

/** Runs a command over a folder that holds just this image. */
function colmap(command: string, image: string, prepare: (folder: string) => string[]): Database {
  return withFolder((folder) => {
    const images = join(folder, 'images');
    mkdirSync(images);
    cpSync(image, join(images, 'image.png'));
    const database = join(folder, 'database.db');
    const common = ['--database_path', database, '--image_path', images];
    runTool('colmap', [command, ...common, ...prepare(folder)]);
    return readDatabase(database);
  });
}

function importFeatures(image: string, text: Uint8Array): Database {
  return colmap('feature_importer', image, (folder) => {
    const imports = join(folder, 'imports');
    mkdirSync(imports);
    writeFileSync(join(imports, 'image.png.txt'), text);
    return ['--import_path', imports];
  });
}

const pathOf = (url: URL) => fileURLToPath(url);
const OWN = pathOf(new URL('../images/png-rgb.png', import.meta.url));

describe.skipIf(toolMissing('COLMAP reads its text', 'colmap', 'help'))('COLMAP reads its text', () => {
  const payload = payloadOf('png-rgb.png', readFileSync(OWN));
  const { features } = decodePayload(payload);

  test('its database then holds the payload, converted', () => {
    const { keypoints, descriptors } = importFeatures(OWN, writeFeatureFile('colmap', payload));
    expect(features.count).toBe(37);
    expect(keypoints.length).toBe(6 * features.count);
    expect([...descriptors]).toEqual([...features.descriptors]);
    for (let index = 0; index < features.count; index += 1) {
      const [x, y, a11 = 0, a12 = 0, a21 = 0, a22 = 0] = keypoints.subarray(6 * index);
      expect(x).toBe(Math.fround((features.xy[2 * index] ?? 0) + 0.5));
      expect(y).toBe(Math.fround((features.xy[2 * index + 1] ?? 0) + 0.5));
      const scale = (features.size[index] ?? 0) / 2;
      const radians = ((features.angle[index] ?? 0) * Math.PI) / 180;
      expect(a11).toBeCloseTo(scale * Math.cos(radians), 4);
      expect(a12).toBeCloseTo(-scale * Math.sin(radians), 4);
      expect(a21).toBeCloseTo(scale * Math.sin(radians), 4);
      expect(a22).toBeCloseTo(scale * Math.cos(radians), 4);
    }
  });

  test('RootSIFT descriptors are those that COLMAP makes: 512 times, rounded', () => {
    const { descriptors } = importFeatures(OWN, writeFeatureFile('colmap', payload, { rootSift: true }));
    const rows = features.descriptors;
    for (let at = 0; at < rows.length; at += 128) {
      const row = rows.subarray(at, at + 128);
      const sum = row.reduce((total, value) => total + value, 0);
      const expected = Array.from(row, (value) => Math.min(255, Math.round(512 * Math.sqrt(value / sum))));
      expect([...descriptors.subarray(at, at + 128)]).toEqual(expected);
    }
  });

  test('an image without features has none in the database', () => {
    const { keypoints, descriptors } = importFeatures(OWN, writeFeatureFile('colmap', flatFeatures()));
    expect({ keypoints: keypoints.length, descriptors: descriptors.length }).toEqual({
      keypoints: 0,
      descriptors: 0,
    });
  });

  test.skipIf(sharedDataMissing("COLMAP's own extractor agrees with the text"))(
    "agrees with COLMAP's own extractor about scale, orientation and the order of descriptors",
    () => {
      const image = pathOf(new URL('features/barbara.bmp', SHARED_DATA));
      const barbara = payloadOf('barbara.bmp', readFileSync(image));
      const ours = importFeatures(image, writeFeatureFile('colmap', barbara, { rootSift: true }));
      const theirs = colmap('feature_extractor', image, () => [
        ...['--SiftExtraction.use_gpu', '0', '--SiftExtraction.num_threads', '1'],
      ]);
      const pairs = pairKeypoints(ours, theirs);
      expect(pairs.length).toBeGreaterThan(500);
      const medianOf = (property: keyof Pair) => median(pairs.map((pair) => pair[property]));
      expect(medianOf('scaleRatio')).toBeCloseTo(1, 1);
      expect(medianOf('turn')).toBeCloseTo(0, 1);
      expect(medianOf('similarity')).toBeGreaterThan(0.98);
      // OpenCV enlarges the image with pixel centres a quarter pixel off (its later `enable_precise_upscale`).
      expect(medianOf('dx')).toBeCloseTo(-0.25, 1);
      expect(medianOf('dy')).toBeCloseTo(-0.25, 1);
    },
  );
});

/** The features of an image file by the service's own extraction, as text for COLMAP. */
async function colmapText(
  bytes: Uint8Array<ArrayBuffer>,
  orientation: 'apply' | 'ignore',
): Promise<Uint8Array> {
  const { payload } = await extractFeatures(loadNativeAddon(), {
    kind: 'extract',
    bytes,
    sha256: await sha256Hex(bytes),
    header: readImageHeader(bytes),
    parameters: { ...DEFAULT_SIFT_PARAMETERS, ...(orientation === 'ignore' && { orientation }) },
  });
  return writeFeatureFile('colmap', payload);
}

describe.skipIf(toolMissing('keypoints lie in the frames of COLMAP', 'colmap', 'help'))(
  "keypoints lie in the frames of COLMAP's cameras at every EXIF orientation",
  () => {
    const orientations = [1, 2, 3, 4, 5, 6, 7, 8];
    const nameOf = (orientation: number) => `jpeg-exif-${orientation}.jpg`;
    const fileOf = (orientation: number) => ownImage(nameOf(orientation));

    async function imported(parameter: 'apply' | 'ignore') {
      const texts = await Promise.all(
        orientations.map((orientation) => colmapText(fileOf(orientation), parameter)),
      );
      return withFolder((folder) => {
        const [images, imports] = [join(folder, 'images'), join(folder, 'imports')];
        for (const made of [images, imports]) mkdirSync(made);
        for (const [index, orientation] of orientations.entries()) {
          writeFileSync(join(images, nameOf(orientation)), fileOf(orientation));
          writeFileSync(join(imports, `${nameOf(orientation)}.txt`), texts[index] ?? '');
        }
        const database = join(folder, 'database.db');
        runTool('colmap', [
          ...['feature_importer', '--database_path', database],
          ...['--image_path', images, '--import_path', imports],
        ]);
        return readImages(database);
      });
    }

    function outside({ width, height, places }: Awaited<ReturnType<typeof imported>>[number]): number {
      return places.filter(([x = -1, y = -1]) => x < 0 || y < 0 || x > width || y > height).length;
    }

    test('orientation=ignore: all of them, at the places of the stored image', async () => {
      const images = await imported('ignore');
      expect(images.map(({ name }) => name).toSorted()).toEqual(orientations.map(nameOf));
      const upright = images.find(({ name }) => name === nameOf(1));
      expect(upright?.places.length).toBeGreaterThan(20);
      for (const image of images) {
        const { width, height } = readImageHeader(ownImage(image.name));
        expect(image).toEqual({ ...upright, name: image.name, width, height });
        expect(outside(image), image.name).toBe(0);
      }
    });

    test('orientation=apply: not those of images whose sides change places', async () => {
      const sums = new Map((await imported('apply')).map((image) => [image.name, outside(image)]));
      for (const orientation of orientations) {
        if (orientation < 5) expect(sums.get(nameOf(orientation))).toBe(0);
        else expect(sums.get(nameOf(orientation))).toBeGreaterThan(0);
      }
    });
  },
);

interface Frame {
  x: number;
  y: number;
  scale: number;
  orientation: number;
  descriptor: Uint8Array;
}

function framesOf({ keypoints, descriptors }: Database): Frame[] {
  return Array.from({ length: keypoints.length / 6 }, (_, index) => {
    const [x = 0, y = 0, a11 = 0, , a21 = 0] = keypoints.subarray(6 * index);
    const descriptor = descriptors.subarray(128 * index, 128 * index + 128);
    return { x, y, scale: Math.hypot(a11, a21), orientation: Math.atan2(a21, a11), descriptor };
  });
}

/** From one keypoint of ours to the same one of theirs. */
interface Pair {
  dx: number;
  dy: number;
  scaleRatio: number;
  /** Radians, from -π to π. */
  turn: number;
  /** Cosine between the descriptors. */
  similarity: number;
}

/** Keypoints at one place and scale; of those with several orientations the nearest. */
function pairKeypoints(ours: Database, theirs: Database): Pair[] {
  const candidates = framesOf(theirs);
  return framesOf(ours).flatMap((frame) => {
    const near = candidates.filter(
      ({ x, y, scale }) =>
        Math.hypot(x - frame.x, y - frame.y) < 0.5 && Math.abs(Math.log2(scale / frame.scale)) < 0.2,
    );
    const pairs = near.map((other) => pairOf(frame, other));
    return pairs.toSorted((one, other) => Math.abs(one.turn) - Math.abs(other.turn)).slice(0, 1);
  });
}

function pairOf(ours: Frame, theirs: Frame): Pair {
  const turn = theirs.orientation - ours.orientation;
  return {
    dx: theirs.x - ours.x,
    dy: theirs.y - ours.y,
    scaleRatio: theirs.scale / ours.scale,
    turn: Math.atan2(Math.sin(turn), Math.cos(turn)),
    similarity: cosine(ours.descriptor, theirs.descriptor),
  };
}

function cosine(one: Uint8Array, other: Uint8Array): number {
  const dot = (a: Uint8Array, b: Uint8Array) =>
    a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);
  return dot(one, other) / Math.sqrt(dot(one, one) * dot(other, other));
}

function median(values: number[]): number {
  return values.toSorted((one, other) => one - other)[values.length >> 1] ?? Number.NaN;
}
