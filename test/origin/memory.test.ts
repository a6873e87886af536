import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { extractionBytes } from '../../origin/pool/memory.ts';
import { DEFAULT_SIFT_PARAMETERS } from '../../shared/contract/parameters.ts';

const SIDE = 1000;

/** Prints by how many bytes an extraction from white noise raises the greatest resident size of a fresh process. */
const PROGRAM = `
  import { randomFillSync } from 'node:crypto';
  import { loadNativeAddon } from './origin/native/addon.ts';
  const addon = loadNativeAddon();
  const image = { width: ${SIDE}, height: ${SIDE}, channels: 3, pixels: randomFillSync(new Uint8Array(${SIDE * SIDE * 3})) };
  const before = process.resourceUsage().maxRSS;
  addon.extract(image, JSON.parse(process.argv[1]));
  console.log((process.resourceUsage().maxRSS - before) * 1024);
`;

// Elsewhere maxRSS has other units and other allocators are at work.
test.runIf(process.platform === 'linux').each([1, 3, 8])(
  'an extraction with %i layers takes as much memory as is set aside for it, and not much less',
  (n_octave_layers) => {
    const parameters = { ...DEFAULT_SIFT_PARAMETERS, n_octave_layers };
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ['--input-type=module-typescript', '--eval', PROGRAM, '--', JSON.stringify(parameters)],
      { encoding: 'utf8' },
    );
    const measured = Number(stdout);
    expect(measured, stderr).toBeGreaterThan(0);
    const estimated = extractionBytes(SIDE * SIDE, 0, parameters);
    expect(measured).toBeLessThan(estimated);
    expect(measured).toBeGreaterThan(estimated * 0.85);
  },
);
