import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { sha256Schema } from '../../../shared/feature-key.ts';
import { featureMetadataSchema } from '../../../shared/features/payload.ts';
import {
  decodeSummary,
  encodeSummary,
  MAX_PAYLOAD_PARTS,
  type StoredSummary,
} from '../../../shared/records/summary-text.ts';
import { metadataArbitrary } from '../../fixtures/payload-arbitraries.ts';

/** The same by the schemas of the contract. */
const recordSchema = z.object({
  metadata: featureMetadataSchema,
  keypoints: z.int().min(0),
  expires_at: z.int(),
  payload: z.object({ sha256: sha256Schema, parts: z.int().min(1).max(MAX_PAYLOAD_PARTS) }).nullable(),
});

function bySchema(json: string): StoredSummary | undefined {
  const parsed = recordSchema.safeParse(JSON.parse(json));
  if (!parsed.success) return undefined;
  const { metadata, keypoints, expires_at, payload } = parsed.data;
  return { summary: { metadata, count: keypoints, expiresAt: expires_at }, payload };
}

const denoisingArbitrary = fc.record({
  h: fc.double({ min: 0.1, max: 100, noNaN: true }),
  h_color: fc.double({ min: 0.1, max: 100, noNaN: true }),
  template_window_size: fc.constantFrom(1, 7, 21),
  search_window_size: fc.constantFrom(3, 21, 35),
});

const storedArbitrary: fc.Arbitrary<StoredSummary> = fc
  .record({
    metadata: metadataArbitrary,
    denoising: fc.option(denoisingArbitrary, { nil: undefined }),
    orientation: fc.constantFrom('ignore' as const, undefined),
    count: fc.nat(600_000),
    expiresAt: fc.nat({ max: 4_102_444_800_000 }),
    payload: fc.option(
      fc.record({
        sha256: fc.stringMatching(/^[0-9a-f]{64}$/),
        parts: fc.integer({ min: 1, max: MAX_PAYLOAD_PARTS }),
      }),
    ),
  })
  .map(({ metadata, denoising, orientation, count, expiresAt, payload }) => {
    const parameters = {
      ...metadata.parameters,
      ...(denoising && { denoising }),
      ...(orientation && { orientation }),
    };
    return { summary: { metadata: { ...metadata, parameters }, count, expiresAt }, payload };
  });

test('a summary is read as it was written, and as the schemas read it', () => {
  fc.assert(
    fc.property(storedArbitrary, (stored) => {
      const json = encodeSummary(stored);
      expect(decodeSummary(json)).toEqual(stored);
      expect(bySchema(json)).toEqual(stored);
    }),
    { numRuns: 300 },
  );
});

/** Every path to a value in a JSON value, the value itself included. */
function pathsIn(value: unknown): string[][] {
  if (typeof value !== 'object' || value === null) return [[]];
  return [
    [],
    ...Object.entries(value).flatMap(([name, inner]) => pathsIn(inner).map((path) => [name, ...path])),
  ];
}

/** A value in which what the path names is another value, or missing for undefined. */
function changed(value: unknown, [name, ...rest]: string[], to: unknown): unknown {
  if (name === undefined) return to;
  return { ...Object(value), [name]: changed(Object(value)[name], rest, to) };
}

/** Missing, or of every type that JSON has. */
const WRONG = fc.constantFrom<unknown>(undefined, true, [], {}, 'no such value', -1.5);

test('a record with a missing value or one of a wrong type is refused, unless the schemas read the same', () => {
  fc.assert(
    fc.property(storedArbitrary, WRONG, fc.nat(), (stored, wrong, choice) => {
      const record: unknown = JSON.parse(encodeSummary(stored));
      const paths = pathsIn(record);
      const path = paths[choice % paths.length] ?? [];
      // Ranges and spellings are left to the comparison of keys.
      const isText = typeof wrong === 'string' && /sha256|extractor/.test(path.at(-1) ?? '');
      fc.pre(!isText && typeof wrong !== 'number');
      const json = JSON.stringify(changed(record, path, wrong)) ?? 'null';
      const read = decodeSummary(json);
      if (read) expect(read).toEqual(bySchema(json));
    }),
    { numRuns: 500 },
  );
});

test.each(['', '{', 'null', '[]', '1', '"text"', '{}', '{"metadata":{}}'])('%j is no summary', (text) => {
  expect(decodeSummary(text)).toBeUndefined();
});

test('numbers that cannot be counts are refused', () => {
  const [stored] = fc.sample(storedArbitrary, 1);
  const record: unknown = JSON.parse(stored ? encodeSummary(stored) : '{}');
  for (const path of [['keypoints'], ['metadata', 'image', 'bytes'], ['metadata', 'image', 'width']]) {
    expect(decodeSummary(JSON.stringify(changed(record, path, -1)))).toBeUndefined();
    expect(decodeSummary(JSON.stringify(changed(record, path, 1.5)))).toBeUndefined();
  }
});
