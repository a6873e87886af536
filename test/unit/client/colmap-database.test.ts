import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ColmapDatabase } from '../../../client/command-line/colmap/database.ts';
import type { MatchResponse } from '../../../client/contract.ts';
import { type ImageFeatures, readFeatures } from '../../../client/features.ts';
import { DEFAULT_SIFT_PARAMETERS } from '../../../shared/contract/parameters.ts';
import { colmapText } from '../../../shared/features/colmap.ts';
import { decodePayload } from '../../../shared/features/payload.ts';
import { featureFile } from './feature-file.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'edgesift-database-'));
  file = path.join(folder, 'photos.db');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function fill(work: (database: ColmapDatabase) => void): Promise<void> {
  const database = await ColmapDatabase.open(file);
  try {
    work(database);
  } finally {
    database.close();
  }
}

function rowsOf(query: string): Record<string, unknown>[] {
  const connection = new DatabaseSync(file, { readOnly: true });
  try {
    return connection.prepare(query).all();
  } finally {
    connection.close();
  }
}

/** Of a blob, which SQLite may have put at any address. */
function bufferOf(blob: unknown): ArrayBuffer {
  if (!(blob instanceof Uint8Array)) throw new Error('no bytes');
  return Uint8Array.from(blob).buffer;
}

const floatsOf = (blob: unknown) => [...new Float32Array(bufferOf(blob))];
const doublesOf = (blob: unknown) => [...new Float64Array(bufferOf(blob))];
const indicesOf = (blob: unknown) => [...new Uint32Array(bufferOf(blob))];

type Matrix = NonNullable<MatchResponse['fundamental']>['matrix'];

const FUNDAMENTAL: Matrix = [
  [1e-7, 3e-6, -0.002],
  [-2e-6, 4e-7, 0.005],
  [0.001, -0.006, 0.9],
];

function matchOf(matrix: Matrix): MatchResponse {
  const image = { sha256: 'a'.repeat(64), width: 640, height: 480, keypoints: 3, tier: null };
  const fundamental = { matrix, reprojection_error: 0.5, median_reprojection_error: 0.5 };
  return {
    success: true,
    model: 'fundamental',
    matches: 2,
    inliers: 1,
    fundamental,
    pairs: {
      index1: [0, 2],
      index2: [1, 0],
      x1: [0, 0],
      y1: [0, 0],
      x2: [0, 0],
      y2: [0, 0],
      distance: [1, 1],
      inlier: [true, false],
    },
    images: [image, image],
    parameters: { sift: DEFAULT_SIFT_PARAMETERS, ratio: 0.75, threshold: 2 },
    cached: false,
    processing_time_ms: 1,
    request_id: 'a',
  };
}

/** x2ᵀ F x1, which is 0 where the points are of one place. */
function epipolarValue(matrix: readonly number[], [x1, y1]: number[], [x2, y2]: number[]): number {
  const [one, other] = [
    [x1 ?? 0, y1 ?? 0, 1],
    [x2 ?? 0, y2 ?? 0, 1],
  ];
  return other.reduce(
    (sum, value, row) =>
      sum + value * one.reduce((total, part, column) => total + part * (matrix[3 * row + column] ?? 0), 0),
    0,
  );
}

test('keypoints and descriptors are those of the text that the service writes for COLMAP', async () => {
  const bytes = featureFile(3);
  await fill((database) => database.putImage('a.jpg', readFeatures(bytes)));
  const [row] = rowsOf('SELECT k.data AS keypoints, d.data AS descriptors FROM keypoints k, descriptors d');
  const [, ...lines] = [...colmapText(decodePayload(bytes).features, { rootSift: true })]
    .join('')
    .trim()
    .split('\n');
  const numbers = lines.map((line) => line.split(' ').map(Number));
  expect(floatsOf(row?.keypoints)).toEqual(numbers.flatMap((line) => line.slice(0, 4)).map(Math.fround));
  expect([...new Uint8Array(bufferOf(row?.descriptors))]).toEqual(numbers.flatMap((line) => line.slice(4)));
});

test('the fundamental matrix is for pixels as COLMAP counts them, in the order of its images', async () => {
  const features = readFeatures(featureFile(3));
  await fill((database) => {
    for (const name of ['a.jpg', 'b.jpg', 'c.jpg']) database.putImage(name, features);
    database.putMatch('a.jpg', 'b.jpg', matchOf(FUNDAMENTAL));
    // COLMAP keeps the image with the smaller id first.
    database.putMatch('c.jpg', 'a.jpg', matchOf(FUNDAMENTAL));
  });
  const [straight, swapped] = rowsOf('SELECT F, data FROM two_view_geometries ORDER BY pair_id');
  for (const [one, other] of [
    [
      [0, 0],
      [0, 0],
    ],
    [
      [12.5, 300],
      [400, 7.25],
    ],
    [
      [639, 1],
      [3, 479],
    ],
  ] as const) {
    const expected = epipolarValue(FUNDAMENTAL.flat(), [...one], [...other]);
    const [moved1, moved2] = [one, other].map(([x, y]) => [x + 0.5, y + 0.5]);
    expect(epipolarValue(doublesOf(straight?.F), moved1 ?? [], moved2 ?? [])).toBeCloseTo(expected, 12);
    expect(epipolarValue(doublesOf(swapped?.F), moved2 ?? [], moved1 ?? [])).toBeCloseTo(expected, 12);
  }
  expect(indicesOf(straight?.data)).toEqual([0, 1]);
  expect(indicesOf(swapped?.data)).toEqual([1, 0]);
});

test('an image with other features loses its matches, which were of the old ones; others keep theirs', async () => {
  const features = readFeatures(featureFile(3));
  const changed: ImageFeatures = {
    ...readFeatures(featureFile(2)),
    image: { ...features.image, width: 100, height: 50 },
  };
  await fill((database) => {
    for (const name of ['a.jpg', 'b.jpg', 'c.jpg']) database.putImage(name, features);
    const names = [
      ['a.jpg', 'b.jpg'],
      ['b.jpg', 'c.jpg'],
      ['a.jpg', 'c.jpg'],
    ] as const;
    for (const [one, other] of names) database.putMatch(one, other, matchOf(FUNDAMENTAL));
    database.putImage('b.jpg', features);
    expect(
      names.map(([one, other]) => database.hasPair(one, other)),
      'the same features',
    ).toEqual(Array(3).fill(true));
    database.putImage('b.jpg', changed);
    expect(names.map(([one, other]) => database.hasPair(one, other))).toEqual([false, false, true]);
  });
  expect(rowsOf('SELECT count(*) AS pairs FROM matches')).toEqual([{ pairs: 1 }]);
  const sizes = rowsOf('SELECT name, width, height FROM images JOIN cameras USING (camera_id) ORDER BY name');
  expect(sizes.map((row) => ({ ...row }))).toEqual([
    { name: 'a.jpg', width: 640, height: 480 },
    { name: 'b.jpg', width: 100, height: 50 },
    { name: 'c.jpg', width: 640, height: 480 },
  ]);
  expect(rowsOf('SELECT rows FROM keypoints ORDER BY image_id').map(({ rows }) => rows)).toEqual([3, 2, 3]);
});
