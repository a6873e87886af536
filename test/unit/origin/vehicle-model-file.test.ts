import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ModelError } from '../../../origin/vehicles/model-error.ts';
import { MOST_MODEL_BYTES, readModelFile } from '../../../origin/vehicles/model-file.ts';
import { readRegistry, registered } from '../../../origin/vehicles/registry.ts';
import { findServedModel } from '../../../origin/vehicles/serving.ts';
import { splitSafetensors } from '../../../shared/features/safetensors.ts';

const MODELS = path.resolve(import.meta.dirname, '../../../models/vehicles');
const entry = registered(await readRegistry(MODELS), 'champion');
const shipped = new Uint8Array(readFileSync(path.join(MODELS, entry.file)));
const HEADER_AT = 8;

/** The shipped model with another header of the same length, where nothing else is said. */
function withHeader(change: (text: string) => string): Uint8Array<ArrayBuffer> {
  const length = Number(new DataView(shipped.buffer).getBigUint64(0, true));
  const text = change(new TextDecoder().decode(shipped.subarray(HEADER_AT, HEADER_AT + length)));
  const bytes = shipped.slice();
  bytes.set(new TextEncoder().encode(text.padEnd(length).slice(0, length)), HEADER_AT);
  return bytes;
}

/** The first number of a tensor is not one. */
function withNotANumber(name: string): Uint8Array<ArrayBuffer> {
  const bytes = shipped.slice();
  const { header, data } = splitSafetensors(bytes, 2 ** 22);
  const tensor = (header as Record<string, { data_offsets: [number, number] }>)[name];
  new DataView(data.buffer, data.byteOffset).setFloat32(tensor?.data_offsets[0] ?? 0, Number.NaN, true);
  return bytes;
}

test('the model that ships is read', () => {
  expect(readModelFile(shipped).metadata.version).toBe(entry.version);
});

test.each<[string, () => Uint8Array<ArrayBuffer>, RegExp]>([
  ['empty', () => new Uint8Array(), /safetensors/],
  ['cut off in the header', () => shipped.slice(0, 100), /safetensors/],
  ['cut off in the tensors', () => shipped.slice(0, -1000), /offsets|safetensors/],
  ['of another format', () => new TextEncoder().encode('GIF89a'.repeat(100)), /safetensors/],
  [
    'of features',
    () => withHeader((text) => text.replace('edgesift_vehicles', 'edgesift_features')),
    /model/,
  ],
  [
    'of the format before',
    () => withHeader((text) => text.replace('\\"format\\":2', '\\"format\\":1')),
    /format 2/,
  ],
  [
    'with a tensor of another type',
    () => withHeader((text) => text.replace('"dtype":"U8"', '"dtype":"I8"')),
    /is I8/,
  ],
  ['with values that are no numbers', () => withNotANumber('mean'), /not finite/],
])('a model file that is %s is refused', (_, make, reason) => {
  let thrown: unknown;
  try {
    readModelFile(make());
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(ModelError);
  expect(String(thrown)).toMatch(reason);
});

/** What an origin says of a registry with this file as its champion. */
async function served(write: (file: string) => void) {
  const folder = mkdtempSync(path.join(tmpdir(), 'edgesift-models-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  mkdirSync(path.join(folder, '1'));
  const model = { ...entry, version: '1', file: '1/model.safetensors', card: '1/CARD.md' };
  const registry = { models: [model], aliases: { champion: '1' }, history: [] };
  writeFileSync(path.join(folder, 'registry.json'), JSON.stringify(registry));
  write(path.join(folder, model.file));
  return findServedModel(folder);
}

test('a champion that is too large is refused before it is read', async () => {
  const state = await served((file) => {
    writeFileSync(file, '');
    truncateSync(file, MOST_MODEL_BYTES + 1);
  });
  expect(state).toMatchObject({
    status: 'unavailable',
    cause: { message: expect.stringMatching(/more than a model has/) },
  });
});

test('a champion that is damaged is refused, and the origin goes on', async () => {
  const state = await served((file) => writeFileSync(file, shipped.slice(0, 5000)));
  expect(state).toMatchObject({ status: 'unavailable', cause: expect.any(ModelError) });
});
