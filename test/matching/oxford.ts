import { readFileSync } from 'node:fs';
import { SHARED_DATA } from '../fixtures/images.ts';
import type { Matrix } from './planar-scene.ts';

/** Sequences of six images of a plane, with the homography from the first to each (Mikolajczyk et al., IJCV 2005). */
export const SEQUENCES = ['graffiti', 'boat', 'leuven', 'ubc'] as const;
export type Sequence = (typeof SEQUENCES)[number];

export function oxfordImage(sequence: Sequence, number: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(new URL(`matching/oxford_${sequence}/${number}.png`, SHARED_DATA)));
}

/** Takes points of image 1 to those of image `number`. */
export function oxfordTruth(sequence: Sequence, number: number): Matrix {
  const text = readFileSync(new URL(`matching/oxford_${sequence}/H_1_${number}`, SHARED_DATA), 'utf8');
  return text.trim().split(/\s+/).map(Number);
}
