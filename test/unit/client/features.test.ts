import { expect, test } from 'vitest';
import { EdgesiftError } from '../../../client/errors.ts';
import { readFeatures } from '../../../client/features.ts';
import { decodePayload, rootSiftPayload } from '../../../shared/features/payload.ts';
import { encodeSafetensors } from '../../../shared/features/safetensors.ts';
import { joinBytes } from '../../fixtures/join-bytes.ts';
import { featureFile } from './feature-file.ts';

test('the arrays are views into the bytes of the response, and hold what the service wrote', () => {
  const file = featureFile(3);
  const features = readFeatures(file);
  const written = decodePayload(file);
  expect(features.count).toBe(3);
  for (const name of ['xy', 'size', 'angle', 'response', 'octave', 'descriptors'] as const) {
    expect(features[name]).toEqual(written.features[name]);
    expect(features[name].buffer).toBe(file.buffer);
  }
  expect(features.image).toEqual(written.metadata.image);
  expect(features.extractor).toBe('edgesift@1');
  expect(features.key).toContain(written.metadata.image.sha256);
  expect(features.file).toBe(file);
});

test('RootSIFT descriptors are floats', () => {
  const file = joinBytes([...rootSiftPayload(decodePayload(featureFile(2)))]);
  const { descriptors } = readFeatures(file);
  expect(descriptors).toBeInstanceOf(Float32Array);
  expect(descriptors.length).toBe(2 * 128);
});

test('an image without keypoints has empty arrays', () => {
  const features = readFeatures(featureFile(0));
  expect([features.count, features.xy.length, features.descriptors.length]).toEqual([0, 0, 0]);
});

test.each([
  ['is empty', new Uint8Array()],
  ['is cut short', featureFile(3).slice(0, -1)],
  ['is no safetensors file', new TextEncoder().encode('{"success":true,"keypoints":3}')],
  ['has no tensors', encodeSafetensors({ key: 'k' }, [], [])],
  [
    'has a tensor of another type',
    encodeSafetensors({}, [{ name: 'size', dtype: 'U8', shape: [4] }], [new Uint8Array(4)]),
  ],
])('a file that %s is refused', (_, file) => {
  expect(() => readFeatures(file)).toThrow(EdgesiftError);
  expect(() => readFeatures(file)).toThrow('These features cannot be read');
});
