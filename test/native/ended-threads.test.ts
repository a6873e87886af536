import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { IS_THOROUGH } from '../fixtures/thorough.ts';

const DELAYS_MS = IS_THOROUGH ? [20, 60, 100] : [60];

test('a thread that is ended while it extracts takes nothing else with it', async () => {
  const script = fileURLToPath(new URL('ended-threads-process.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script, ...DELAYS_MS.map(String)]);
  expect(stdout).toBe(`${2 * DELAYS_MS.length} threads ended\n`);
});
