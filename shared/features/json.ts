import type { Representation } from '../contract/parameters.ts';
import { DESCRIPTOR_LENGTH } from './descriptor.ts';
import { unpackOctave } from './octave.ts';
import type { Features } from './payload.ts';
import { rootSift } from './root-sift.ts';

const ROWS_PER_CHUNK = 512;

/**
 * An answer's JSON text with the feature arrays added to its own fields, in pieces: 90,000 descriptors make
 * 40 MB of text, which must not be in memory at once.
 *
 * @param answer a JSON object with at least one field
 */
export function* featureJson(
  answer: Record<string, unknown>,
  features: Features,
  { include, root_sift }: Pick<Representation, 'include' | 'root_sift'>,
): Generator<string> {
  yield JSON.stringify(answer).slice(0, -1);
  if (include !== 'summary') {
    for (const [name, values] of keypointColumns(features)) yield `,"${name}":[${values.join()}]`;
  }
  if (include === 'all')
    yield* descriptorRows(root_sift ? rootSift(features.descriptors) : features.descriptors);
  yield '}';
}

function* keypointColumns({
  xy,
  size,
  angle,
  response,
  octave,
}: Features): Generator<[string, ArrayLike<number> & { join(): string }]> {
  yield ['x', xy.filter((_, index) => index % 2 === 0)];
  yield ['y', xy.filter((_, index) => index % 2 === 1)];
  yield ['size', size];
  yield ['angle', angle];
  yield ['response', response];
  yield ['octave', octave.map((packed) => unpackOctave(packed).octave)];
  yield ['layer', octave.map((packed) => unpackOctave(packed).layer)];
}

function* descriptorRows(descriptors: Uint8Array | Float32Array): Generator<string> {
  yield ',"descriptors":[';
  const chunkLength = ROWS_PER_CHUNK * DESCRIPTOR_LENGTH;
  for (let at = 0; at < descriptors.length; at += chunkLength) {
    const rows: string[] = [];
    const end = Math.min(at + chunkLength, descriptors.length);
    for (let row = at; row < end; row += DESCRIPTOR_LENGTH) {
      rows.push(`[${descriptors.subarray(row, row + DESCRIPTOR_LENGTH).join()}]`);
    }
    yield (at === 0 ? '' : ',') + rows.join();
  }
  yield ']';
}
