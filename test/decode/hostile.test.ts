import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { errorCodeSchema } from '../../shared/contract/errors.ts';
import { IS_THOROUGH } from '../fixtures/thorough.ts';
import type { HostileReport } from './hostile-worker.ts';

const folder = fileURLToPath(new URL('../../../shared/data/hostile', import.meta.url));

/** Of so many files one, unless the run is thorough. */
const EVERY = IS_THOROUGH ? 1 : 5;

test.skipIf(!existsSync(folder))(
  'malformed images (../shared/data/hostile) give features or an error of the contract',
  async () => {
    const report = await new Promise<HostileReport>((resolve, reject) => {
      const worker = new Worker(new URL('hostile-worker.ts', import.meta.url), {
        workerData: { folder, every: EVERY },
      });
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.once('exit', (code) => reject(new Error(`the worker ended with ${code}`)));
    });
    expect(report.files).toBeGreaterThan(3000 / EVERY);
    expect(report.unexpected).toEqual([]);
    expect(report.slow).toEqual([]);
    const codes = Object.keys(report.outcomes).filter((outcome) => outcome !== 'features');
    for (const code of codes) expect(errorCodeSchema.options).toContain(code);
    expect(codes.toSorted()).toEqual(['IMAGE_READ_ERROR', 'IMAGE_TOO_LARGE', 'INVALID_IMAGE']);
    expect(report.outcomes.features).toBeGreaterThan(400 / EVERY);
  },
  120_000,
);
