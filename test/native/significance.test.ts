import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { extractFeatures } from '../../origin/jobs/extract.ts';
import { matchFeatures } from '../../origin/jobs/match.ts';
import { loadNativeAddon } from '../../origin/native/addon.ts';
import {
  DEFAULT_SIFT_PARAMETERS,
  type GeometryParameters,
  geometryParametersSchema,
} from '../../shared/contract/parameters.ts';
import { matchResultSchema } from '../../shared/contract/responses.ts';
import { readImageHeader } from '../../shared/image-header.ts';
import { joinPayloads } from '../../shared/origin-protocol.ts';
import { sha256Hex } from '../../shared/sha256.ts';
import { SHARED_DATA, sharedDataMissing } from '../fixtures/images.ts';

const addon = loadNativeAddon();

async function featuresOf(path: string): Promise<Uint8Array> {
  const bytes = new Uint8Array(readFileSync(new URL(path, SHARED_DATA)));
  const { payload } = await extractFeatures(addon, {
    kind: 'extract',
    bytes,
    sha256: await sha256Hex(bytes),
    header: readImageHeader(bytes),
    parameters: DEFAULT_SIFT_PARAMETERS,
  });
  return payload;
}

async function match(path1: string, path2: string, given: Partial<GeometryParameters> = {}) {
  const bytes = joinPayloads(await featuresOf(path1), await featuresOf(path2));
  const parameters = geometryParametersSchema.parse(given);
  const { payload } = await matchFeatures(addon, { kind: 'match', bytes, parameters });
  return matchResultSchema.parse(JSON.parse(new TextDecoder().decode(payload)));
}

const missing = sharedDataMissing('the significance of matches of real images');

test.skipIf(missing).each([
  ['a mirrored image', 'trials/mirror-a.png', 'trials/mirror-b.png'],
  ['graffiti 1→5', 'matching/oxford_graffiti/1.png', 'matching/oxford_graffiti/5.png'],
  ['different scenes', 'matching/oxford_graffiti/6.png', 'matching/oxford_ubc/1.png'],
  ['different scenes', 'matching/oxford_boat/1.png', 'matching/oxford_ubc/1.png'],
])('%s: no consensus', async (_, path1, path2) => {
  expect(await match(path1, path2)).toMatchObject({
    homography: null,
    inliers: 0,
    reason: 'no_consensus',
  });
});

test.skipIf(missing)('a mirrored image has no fundamental matrix either', async () => {
  const result = await match('trials/mirror-a.png', 'trials/mirror-b.png', { model: 'fundamental' });
  expect(result).toMatchObject({ fundamental: null, inliers: 0, reason: 'no_consensus' });
});

test.skipIf(missing)('boat 1→4, turned and much smaller, has both models', async () => {
  for (const model of ['homography', 'fundamental'] as const) {
    const paths = ['matching/oxford_boat/1.png', 'matching/oxford_boat/4.png'] as const;
    const result = await match(...paths, { model });
    expect(result[model]).toBeTruthy();
    expect(result.log10_false_alarms).toBeLessThan(-500);
  }
});

test.skipIf(missing)('graffiti 1→4, far from the limit', async () => {
  const result = await match('matching/oxford_graffiti/1.png', 'matching/oxford_graffiti/4.png');
  expect(result.homography).toBeTruthy();
  expect(result.log10_false_alarms).toBeLessThan(-12);
});
