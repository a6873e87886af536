import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const MIB = 1 << 20;

test.runIf(process.platform === 'linux')(
  'memory neither grows over many calls nor stays taken after a large picture',
  () => {
    const script = fileURLToPath(new URL('measure-memory.ts', import.meta.url));
    const output = execFileSync(process.execPath, ['--expose-gc', script], { encoding: 'utf8' });
    const { warm, afterMany, afterLarge } = JSON.parse(output);
    // A leak of one pyramid level or one result per call would show as hundreds of MiB.
    expect(afterMany - warm).toBeLessThan(24 * MIB);
    // The large picture needs some 700 MiB, of which one thread keeps 64.
    expect(afterLarge - warm).toBeLessThan(96 * MIB);
  },
);
