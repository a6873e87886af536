import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { IS_THOROUGH, inThorough } from '../fixtures/thorough.ts';

const run = promisify(execFile);
const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

test.runIf(IS_THOROUGH)(
  inThorough(
    'half a minute of mutated JPEG and TIFF files makes no invalid memory access and no undefined behaviour',
  ),
  async () => {
    const build = at('../../build/decode-fuzz');
    await run('cmake', ['-S', at('.'), '-B', build]);
    await run('cmake', ['--build', build, '--parallel', '2'], { maxBuffer: 1 << 26 });
    const images = readdirSync(at('../images'))
      .filter((name) => /\.(jpg|tif)$/.test(name))
      .map((name) => at(`../images/${name}`));
    const { stdout } = await run(`${build}/fuzz_decode`, ['30', String(Date.now() % 1e9), ...images]);
    expect(stdout).toMatch(/^\d{3,} files, \d+ decoded/);
  },
  300_000,
);
