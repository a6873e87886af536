import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

test('a thread that is ended while it extracts takes nothing else with it', async () => {
  const script = fileURLToPath(new URL('ended-threads-process.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script]);
  expect(stdout).toBe('6 threads ended\n');
});
