import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { rootSiftBytes } from '../../../shared/features/colmap.ts';
import { DESCRIPTOR_LENGTH } from '../../../shared/features/descriptor.ts';
import { siftFrame } from '../../../shared/features/sift-frame.ts';
import type { MatchResponse } from '../../contract.ts';
import type { ImageFeatures } from '../../features.ts';
import { UsageError } from '../exit.ts';
import { SCHEMA } from './schema.ts';

/** COLMAP's camera model with focal length, principal point and one radial distortion. */
const SIMPLE_RADIAL = 2;
/** COLMAP's guess of an unknown focal length, in units of the longer side. */
const DEFAULT_FOCAL_FACTOR = 1.2;
/** Of COLMAP's `TwoViewGeometry::ConfigurationType`. */
const DEGENERATE = 1;
const UNCALIBRATED = 3;
/** COLMAP's `Database::kMaxNumImages`. */
const MOST_IMAGES = 2_147_483_647;
const KEYPOINT_COLUMNS = 4;

/** A COLMAP database that is filled as COLMAP itself would: each image has a camera of its own. */
export class ColmapDatabase {
  readonly #database: DatabaseSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /**
   * Opens a database, or makes a new one.
   *
   * @throws UsageError where this Node.js has no SQLite
   */
  static async open(file: string): Promise<ColmapDatabase> {
    const sqlite = await importQuietly();
    if (!sqlite) throw new UsageError(`--database needs Node.js 22.13 or newer; this is ${process.version}.`);
    mkdirSync(path.dirname(path.resolve(file)), { recursive: true });
    const database = new sqlite.DatabaseSync(file);
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
    database.exec(SCHEMA);
    return new ColmapDatabase(database);
  }

  close(): void {
    this.#database.close();
  }

  hasImage(name: string): boolean {
    const query = 'SELECT 1 FROM keypoints JOIN images USING (image_id) WHERE name = ?';
    return this.#database.prepare(query).get(name) !== undefined;
  }

  /** Puts an image with its features in place of one of the same name. Matches with other features are removed. */
  putImage(name: string, features: ImageFeatures): void {
    const keypoints = keypointsBlob(features);
    const descriptors = descriptorsBlob(features);
    this.#atOnce(() => {
      const known = this.#findImage(name);
      if (known !== undefined) {
        if (this.#hasFeatures(known, keypoints, descriptors)) return;
        this.#removePairsOf(known);
        this.#resizeCamera(known, features);
      }
      const imageId = known ?? this.#addImage(name, features);
      this.#put('keypoints', imageId, features.count, KEYPOINT_COLUMNS, keypoints);
      this.#put('descriptors', imageId, features.count, DESCRIPTOR_LENGTH, descriptors);
    });
  }

  hasPair(name1: string, name2: string): boolean {
    const { pairId } = this.#pairOf(name1, name2);
    return (
      this.#database.prepare('SELECT 1 FROM two_view_geometries WHERE pair_id = ?').get(pairId) !== undefined
    );
  }

  /** Puts the matches of two images, and those of them that agree with the fundamental matrix. */
  putMatch(name1: string, name2: string, { pairs, fundamental }: MatchResponse): void {
    const { pairId, isSwapped } = this.#pairOf(name1, name2);
    const { index1 = [], index2 = [], inlier = [] } = pairs ?? {};
    const indices = (isChosen: (index: number) => boolean) =>
      Uint32Array.from(
        index1.flatMap((first, index) => {
          const second = index2[index] ?? 0;
          if (!isChosen(index)) return [];
          return isSwapped ? [second, first] : [first, second];
        }),
      );
    const all = indices(() => true);
    const agreeing = fundamental ? indices((index) => inlier[index] ?? false) : new Uint32Array();
    this.#atOnce(() => {
      this.#database
        .prepare('INSERT OR REPLACE INTO matches (pair_id, rows, cols, data) VALUES (?, ?, 2, ?)')
        .run(pairId, all.length / 2, bytesOf(all));
      this.#database
        .prepare(
          'INSERT OR REPLACE INTO two_view_geometries (pair_id, rows, cols, data, config, F) VALUES (?, ?, 2, ?, ?, ?)',
        )
        .run(
          pairId,
          agreeing.length / 2,
          bytesOf(agreeing),
          fundamental ? UNCALIBRATED : DEGENERATE,
          fundamental ? bytesOf(fundamentalMatrix(fundamental.matrix, isSwapped)) : null,
        );
    });
  }

  #findImage(name: string): number | undefined {
    const row = this.#database.prepare('SELECT image_id FROM images WHERE name = ?').get(name);
    return typeof row?.image_id === 'number' ? row.image_id : undefined;
  }

  #hasFeatures(imageId: number, keypoints: Uint8Array, descriptors: Uint8Array): boolean {
    const query =
      'SELECT 1 FROM keypoints k JOIN descriptors d USING (image_id) WHERE image_id = ? AND k.data = ? AND d.data = ?';
    return this.#database.prepare(query).get(imageId, keypoints, descriptors) !== undefined;
  }

  /** They refer to keypoints by their index. */
  #removePairsOf(imageId: number): void {
    for (const table of ['matches', 'two_view_geometries']) {
      this.#database
        .prepare(`DELETE FROM ${table} WHERE pair_id / ${MOST_IMAGES} = ?1 OR pair_id % ${MOST_IMAGES} = ?1`)
        .run(imageId);
    }
  }

  /** A camera of the same size stays as it is: its parameters may have been refined. */
  #resizeCamera(imageId: number, { image: { width, height } }: ImageFeatures): void {
    this.#database
      .prepare(
        'UPDATE cameras SET model = ?1, width = ?2, height = ?3, params = ?4, prior_focal_length = 0 ' +
          'WHERE camera_id = (SELECT camera_id FROM images WHERE image_id = ?5) AND (width <> ?2 OR height <> ?3)',
      )
      .run(SIMPLE_RADIAL, width, height, cameraParameters(width, height), imageId);
  }

  #addImage(name: string, { image: { width, height } }: ImageFeatures): number {
    const camera = this.#database
      .prepare(
        'INSERT INTO cameras (model, width, height, params, prior_focal_length) VALUES (?, ?, ?, ?, 0)',
      )
      .run(SIMPLE_RADIAL, width, height, cameraParameters(width, height));
    const image = this.#database
      .prepare('INSERT INTO images (name, camera_id) VALUES (?, ?)')
      .run(name, camera.lastInsertRowid);
    return Number(image.lastInsertRowid);
  }

  #put(
    table: 'keypoints' | 'descriptors',
    imageId: number,
    rows: number,
    columns: number,
    data: Uint8Array,
  ): void {
    this.#database
      .prepare(`INSERT OR REPLACE INTO ${table} (image_id, rows, cols, data) VALUES (?, ?, ?, ?)`)
      .run(imageId, rows, columns, data);
  }

  /** COLMAP keeps a pair under the smaller id first. */
  #pairOf(name1: string, name2: string): { pairId: number; isSwapped: boolean } {
    const id1 = this.#findImage(name1);
    const id2 = this.#findImage(name2);
    if (id1 === undefined || id2 === undefined)
      throw new Error(`${name1} or ${name2} is not in the database`);
    const isSwapped = id1 > id2;
    return { pairId: MOST_IMAGES * Math.min(id1, id2) + Math.max(id1, id2), isSwapped };
  }

  #atOnce(work: () => void): void {
    this.#database.exec('BEGIN');
    try {
      work();
      this.#database.exec('COMMIT');
    } catch (error) {
      this.#database.exec('ROLLBACK');
      throw error;
    }
  }
}

/** Node.js warns that its SQLite is experimental, which does not concern the user of a command. */
async function importQuietly(): Promise<typeof import('node:sqlite') | undefined> {
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    return await import('node:sqlite').catch(() => undefined);
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** Focal length, principal point and distortion of an unknown camera, as COLMAP guesses them. */
function cameraParameters(width: number, height: number): Uint8Array {
  const focal = DEFAULT_FOCAL_FACTOR * Math.max(width, height);
  return bytesOf(Float64Array.of(focal, width / 2, height / 2, 0));
}

/** F32[N,4]: x, y, scale, orientation; (0,0) is the corner of the upper-left pixel. */
function keypointsBlob(features: ImageFeatures): Uint8Array {
  const keypoints = new Float32Array(KEYPOINT_COLUMNS * features.count);
  for (let index = 0; index < features.count; index += 1) {
    const { x, y, scale, orientation } = siftFrame(features, index);
    keypoints.set([x + 0.5, y + 0.5, scale, orientation], KEYPOINT_COLUMNS * index);
  }
  return bytesOf(keypoints);
}

function descriptorsBlob({ descriptors }: ImageFeatures): Uint8Array {
  if (!(descriptors instanceof Uint8Array)) throw new Error('RootSIFT is computed here, from integers');
  return rootSiftBytes(descriptors);
}

/**
 * 3×3, row by row, for COLMAP's pixels, whose (0,0) is the corner of the upper-left pixel: TᵀFT, in which T moves by
 * half a pixel. Of the images in the other order it is the transpose.
 */
function fundamentalMatrix(rows: readonly (readonly number[])[], isTransposed: boolean): Float64Array {
  const moved = transpose(moveColumns(transpose(moveColumns(rows))));
  return Float64Array.from((isTransposed ? transpose(moved) : moved).flat());
}

/** The product with T, which takes half a pixel from x and y. */
function moveColumns(matrix: readonly (readonly number[])[]): number[][] {
  return matrix.map(([a = 0, b = 0, c = 0]) => [a, b, c - (a + b) / 2]);
}

function transpose(matrix: readonly (readonly number[])[]): number[][] {
  return [0, 1, 2].map((column) => matrix.map((row) => row[column] ?? 0));
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView<ArrayBufferLike>): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
