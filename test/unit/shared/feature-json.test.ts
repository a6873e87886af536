import fc from 'fast-check';
import { expect, test } from 'vitest';
import { featureJson } from '../../../shared/features/json.ts';
import type { Features } from '../../../shared/features/payload.ts';

const featuresArbitrary: fc.Arbitrary<Features> = fc.integer({ min: 0, max: 6 }).chain((count) => {
  const floats = (length: number) =>
    fc.float32Array({ minLength: length, maxLength: length, noNaN: true, noDefaultInfinity: true });
  return fc.record({
    count: fc.constant(count),
    xy: floats(2 * count),
    size: floats(count),
    angle: floats(count),
    response: floats(count),
    octave: fc.int32Array({ minLength: count, maxLength: count }),
    descriptors: fc.uint8Array({ minLength: 128 * count, maxLength: 128 * count }),
  });
});

function parse(features: Features, include: 'summary' | 'keypoints' | 'all', root_sift = false) {
  return JSON.parse([...featureJson({ success: true }, features, { include, root_sift })].join(''));
}

test('every number survives exactly', () => {
  fc.assert(
    fc.property(featuresArbitrary, (features) => {
      const response = parse(features, 'all');
      expect(response.x).toEqual(
        [...features.xy].filter((_, index) => index % 2 === 0).map((value) => value + 0),
      );
      expect(response.y).toEqual(
        [...features.xy].filter((_, index) => index % 2 === 1).map((value) => value + 0),
      );
      for (const name of ['size', 'angle', 'response'] as const) {
        expect(response[name]).toEqual([...features[name]].map((value) => value + 0));
      }
      expect(response.descriptors.flat()).toEqual([...features.descriptors]);
      expect(response.descriptors.length).toBe(features.count);
    }),
  );
});

test("octave and layer are taken apart as OpenCV's unpackOctave does", () => {
  // (packed, octave, layer) as python3-opencv 4.6 gives and unpacks them for an image's keypoints
  const known = [
    [16581119, -1, 1],
    [2687743, -1, 2],
    [11666431, -1, 3],
    [14287104, 0, 1],
    [9765121, 1, 1],
    [10027267, 3, 1],
  ] as const;
  for (const [packed, octave, layer] of known) {
    const one = { xy: new Float32Array(2), size: new Float32Array(1), angle: new Float32Array(1) };
    const features = { ...one, count: 1, response: new Float32Array(1), descriptors: new Uint8Array(128) };
    const response = parse({ ...features, octave: Int32Array.of(packed) }, 'keypoints');
    expect({ octave: response.octave, layer: response.layer }).toEqual({ octave: [octave], layer: [layer] });
  }
});

test('each amount of detail has its fields and no others', () => {
  const [features] = fc.sample(featuresArbitrary, 1);
  if (!features) throw new Error('no sample');
  const columns = ['x', 'y', 'size', 'angle', 'response', 'octave', 'layer'];
  expect(Object.keys(parse(features, 'summary'))).toEqual(['success']);
  expect(Object.keys(parse(features, 'keypoints'))).toEqual(['success', ...columns]);
  expect(Object.keys(parse(features, 'all'))).toEqual(['success', ...columns, 'descriptors']);
});

test('a long response comes in pieces of bounded length', () => {
  const count = 5_000;
  const features: Features = {
    count,
    xy: new Float32Array(2 * count),
    size: new Float32Array(count),
    angle: new Float32Array(count),
    response: new Float32Array(count),
    octave: new Int32Array(count),
    descriptors: new Uint8Array(128 * count).fill(255),
  };
  const pieces = [...featureJson({ success: true }, features, { include: 'all', root_sift: false })];
  expect(JSON.parse(pieces.join('')).descriptors.length).toBe(count);
  expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThan(400_000);
});
