import { createHash } from 'node:crypto';
import path from 'node:path';
import type { NativeVehicles } from '../origin/vehicles/native.ts';
import { imagesBelow, type LabelledImage } from './manifest.ts';
import { Random } from './random.ts';

/** An image with what decides where it may be used. */
export interface Sample extends LabelledImage {
  /** Absolute. */
  path: string;
  /** Images of one group are duplicates of each other: all are trained on, or none. */
  group: string;
}

/** An image that shows no vehicle. */
export interface Negative {
  path: string;
  name: string;
  group: string;
}

/** Correlation of coarse grey images from which on two are the same photograph. */
const DUPLICATE_CORRELATION = 0.96;

/** @param fingerprints F32[n, width], coarse grey images */
export function groupDuplicates(
  native: NativeVehicles,
  images: readonly LabelledImage[],
  fingerprints: Float32Array,
  threads: number,
): string[] {
  const width = fingerprints.length / images.length;
  const values = new Int16Array(fingerprints.length);
  const scales = new Float32Array(images.length).fill(1 / 2047);
  for (let i = 0; i < images.length; i++) {
    const cells = fingerprints.subarray(i * width, (i + 1) * width);
    const mean = cells.reduce((sum, cell) => sum + cell, 0) / width;
    const norm = Math.hypot(...cells.map((cell) => cell - mean)) || 1;
    for (let k = 0; k < width; k++) {
      values[i * width + k] = Math.round((2047 * ((cells[k] ?? 0) - mean)) / norm);
    }
  }
  const correlations = native.gram(values, scales, threads);
  const leader = images.map((_, index) => index);
  const find = (index: number): number => {
    let at = index;
    while (leader[at] !== at) at = leader[at] ?? at;
    return at;
  };
  for (let i = 0; i < images.length; i++) {
    for (let k = 0; k < i; k++) {
      if ((correlations[i * images.length + k] ?? 0) < DUPLICATE_CORRELATION) continue;
      const [first, second] = [find(i), find(k)].toSorted((a, b) => a - b);
      if (first !== undefined && second !== undefined) leader[second] = first;
    }
  }
  return images.map((_, index) => images[find(index)]?.file ?? '');
}

/** In [0, 1), the same for a group in every run: images at the upper end are kept back, those below 1/2 make the
 * vocabulary, so that a vocabulary never saw what is kept back. */
export function place(group: string): number {
  return new Random(0, 'place', group).next();
}

/** @param folds their number */
export function foldOf(group: string, folds: number, seed: number): number {
  return new Random(seed, 'fold', group).below(folds);
}

/** A folder with fewer images may show one scene many times: its images stay together. */
const LARGE_FOLDER = 50;

/** @param folders each with images that show no vehicle */
export async function readNegatives(folders: readonly string[]): Promise<Negative[]> {
  const perFolder = await Promise.all(
    folders.map(async (folder) => {
      const files = await imagesBelow(folder);
      const base = path.basename(folder);
      return files.map((file) => ({
        path: path.resolve(folder, file),
        name: `${base}/${file}`,
        group: files.length < LARGE_FOLDER ? base : `${base}/${file}`,
      }));
    }),
  );
  return perFolder.flat();
}

/** Names what a run's intermediate results depend on. */
export function fingerprintOf(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}
