import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { extractionBytes } from '../../origin/jobs/memory.ts';
import type { SiftEngine } from '../../origin/native/addon.ts';
import { MAX_KEYPOINTS } from '../../shared/contract/limits.ts';
import { DEFAULT_SIFT_PARAMETERS, type SiftParameters } from '../../shared/contract/parameters.ts';

const SIDE = 1000;

/** Prints by how many bytes an extraction from white noise raises the greatest resident size of a fresh process. */
const PROGRAM = `
  import { randomFillSync } from 'node:crypto';
  import { loadNativeAddon } from './origin/native/addon.ts';
  const addon = loadNativeAddon(process.argv[1]);
  const image = { width: ${SIDE}, height: ${SIDE}, channels: 3, pixels: randomFillSync(new Uint8Array(${SIDE * SIDE * 3})) };
  const before = process.resourceUsage().maxRSS;
  try {
    addon.extract(image, JSON.parse(process.argv[2]), ${MAX_KEYPOINTS});
  } catch (error) {
    if (error.code !== 'TOO_MANY_KEYPOINTS') throw error;
  }
  console.log((process.resourceUsage().maxRSS - before) * 1024);
`;

function measuredBytes(engine: SiftEngine, parameters: SiftParameters): number {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module-typescript', '--eval', PROGRAM, '--', engine, JSON.stringify(parameters)],
    { encoding: 'utf8' },
  );
  const measured = Number(stdout);
  expect(measured, stderr).toBeGreaterThan(0);
  return measured;
}

const size = { width: SIDE, height: SIDE };

// Elsewhere maxRSS has other units and other allocators are at work.
describe.runIf(process.platform === 'linux')(
  'an extraction takes as much memory as is set aside for it',
  () => {
    test.each([1, 3, 8])('and not much less with OpenCV and %i layers', (n_octave_layers) => {
      const parameters = { ...DEFAULT_SIFT_PARAMETERS, n_octave_layers };
      const measured = measuredBytes('opencv', parameters);
      const estimated = extractionBytes('opencv', size, 0, parameters);
      expect(measured).toBeLessThan(estimated);
      expect(measured).toBeGreaterThan(estimated * 0.85);
    });

    test.each([
      {},
      { n_octave_layers: 1, sigma: 10 },
      { n_octave_layers: 8, contrast_threshold: 0, edge_threshold: 1000 },
      { sigma: 0.5, contrast_threshold: 0, edge_threshold: 1000 },
    ])('at most with our engine and %o', (changes) => {
      const parameters = { ...DEFAULT_SIFT_PARAMETERS, ...changes };
      expect(measuredBytes('edgesift', parameters)).toBeLessThan(
        extractionBytes('edgesift', size, 0, parameters),
      );
    });
  },
);
