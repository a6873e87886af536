import { createHash } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { METADATA_KEY, readModelFile } from '../origin/vehicles/model-file.ts';
import type { ModelMetadata } from '../origin/vehicles/model-metadata.ts';
import { encodeSafetensors, type Tensor } from '../shared/features/safetensors.ts';
import type { Learned } from './learn.ts';
import type { Prepared } from './prepare.ts';
import { packWeights } from './weights.ts';

/** What a folder of `models/vehicles` holds. */
export const MODEL_FILE = 'model.safetensors';
export const CARD_FILE = 'MODEL_CARD.md';

interface Part {
  tensor: Tensor;
  data: Float32Array | Uint8Array | Int8Array;
}

/** @returns the file's bytes and their SHA-256 */
export function modelFile(prepared: Prepared, learned: Learned, metadata: ModelMetadata) {
  const parts = partsOf(prepared, learned);
  const bytes = encodeSafetensors(
    { [METADATA_KEY]: JSON.stringify(metadata) },
    parts.map(({ tensor }) => tensor),
    parts.map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
  );
  // What cannot be loaded is not written.
  readModelFile(bytes);
  return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** Replaces the file at once: what reads it sees the old or the new one. */
export async function writeWhole(file: string, content: string | Uint8Array): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(`${file}.part`, content);
  await rename(`${file}.part`, file);
}

function partsOf(prepared: Prepared, learned: Learned): Part[] {
  const { vocabulary, search, colourVocabulary } = prepared;
  const components = vocabulary.weights.length;
  const length = Math.ceil((components * 132) / 64) * 64;
  const { packed, scales } = packWeights(learned.weights, length);
  const rows = scales.length;
  const f32 = (name: string, shape: number[], data: Float32Array): Part => ({
    tensor: { name, dtype: 'F32', shape },
    data,
  });
  const parts: Part[] = [
    f32('projection', [128, 64], vocabulary.projection),
    f32('mean', [128], vocabulary.mean),
    f32('mixture.weights', [components], vocabulary.weights),
    f32('mixture.means', [components, 66], vocabulary.means),
    f32('mixture.variances', [components, 66], vocabulary.variances),
    f32('heads.scales', [rows], scales),
    f32('heads.biases', [rows], learned.biases),
    { tensor: { name: 'heads.weights', dtype: 'U8', shape: [rows, length / 2] }, data: packed },
  ];
  if (search && learned.search) parts.push(f32('search.weights', [components, 65], search));
  if (learned.colours && colourVocabulary) {
    const { rows: descriptions, rowScales, coefficients, biases, length: width } = learned.colours;
    const samples = rowScales.length;
    const blocks = colourVocabulary.weights.length;
    parts.push(
      f32('colour.mixture.weights', [blocks], colourVocabulary.weights),
      f32('colour.mixture.means', [blocks, 6], colourVocabulary.means),
      f32('colour.mixture.variances', [blocks, 6], colourVocabulary.variances),
      f32('colour.row_scales', [samples], rowScales),
      f32('colour.coefficients', [samples, biases.length], coefficients),
      f32('colour.biases', [biases.length], biases),
      { tensor: { name: 'colour.rows', dtype: 'I8', shape: [samples, width] }, data: descriptions },
    );
  }
  return parts;
}
