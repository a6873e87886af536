import { expect, test } from 'vitest';
import { extractionBytes } from '../../../origin/jobs/memory.ts';
import { DEFAULT_SIFT_PARAMETERS } from '../../../shared/contract/parameters.ts';

test.each([
  [16, 1_000_000],
  [1_000_000, 16],
  [100, 500_000],
])('an image of %i×%i pixels is not taken for one of gigabytes', (width, height) => {
  const estimated = extractionBytes('edgesift', { width, height }, 0, DEFAULT_SIFT_PARAMETERS);
  // Its first levels alone take 0.6 GB where it is high: every row has margins.
  expect(estimated).toBeGreaterThan(0.6e9);
  expect(estimated).toBeLessThan(2e9);
});
