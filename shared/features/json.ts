import type { Representation } from '../contract/parameters.ts';
import { DESCRIPTOR_LENGTH, descriptorChunks } from './descriptor.ts';
import { unpackOctave } from './octave.ts';
import type { Features } from './payload.ts';
import { rootSift } from './root-sift.ts';

/**
 * A response's JSON text with the feature arrays added to its own fields, in pieces: 90,000 descriptors make
 * 40 MB of text, which must not be in memory at once.
 *
 * @param response a JSON object with at least one field
 */
export function* featureJson(
  response: Record<string, unknown>,
  features: Features,
  { include, root_sift }: Pick<Representation, 'include' | 'root_sift'>,
): Generator<string> {
  yield JSON.stringify(response).slice(0, -1);
  if (include !== 'summary') {
    for (const [name, values] of keypointColumns(features)) yield `,"${name}":[${values.join()}]`;
  }
  if (include === 'all') yield* descriptorText(features.descriptors, root_sift);
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

function* descriptorText(descriptors: Uint8Array, asRootSift: boolean): Generator<string> {
  yield ',"descriptors":[';
  let separator = '';
  for (const chunk of descriptorChunks(descriptors)) {
    const values = asRootSift ? rootSift(chunk) : chunk;
    const rows: string[] = [];
    for (let row = 0; row < values.length; row += DESCRIPTOR_LENGTH) {
      rows.push(`[${values.subarray(row, row + DESCRIPTOR_LENGTH).join()}]`);
    }
    yield separator + rows.join();
    separator = ',';
  }
  yield ']';
}
