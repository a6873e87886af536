import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { type Runtime, startEdgeStack } from '../fixtures/edge-stack.ts';
import { IS_THOROUGH, inThorough } from '../fixtures/thorough.ts';

const root = new URL('../../', import.meta.url);

const NAME = "a client that knows only the reference service's contract works unchanged on";

test(`${NAME} workerd`, () => worksUnchanged('workerd'));
test.runIf(IS_THOROUGH)(inThorough(`${NAME} deno`), () => worksUnchanged('deno'));

async function worksUnchanged(runtime: Runtime): Promise<void> {
  const stack = await startEdgeStack({ runtime, edgeEnvironment: { REDIS_TIMEOUT_MS: '3000' } });
  try {
    const words = ['test/reference/client.mjs', stack.url, 'docs/example/mountains.jpg'];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, words, { cwd: root });
    expect(stderr).toBe('');
    expect(stdout).toBe('11 promises\n');
  } finally {
    await stack.stop();
  }
}
