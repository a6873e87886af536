import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { SIFT_ENGINES } from '../../origin/native/addon.ts';
import { IS_THOROUGH, inThorough } from '../fixtures/thorough.ts';

const MIB = 1 << 20;
const isWanted = IS_THOROUGH && process.platform === 'linux';

test.runIf(isWanted).each(SIFT_ENGINES)(
  inThorough('with %s memory neither grows over many calls nor stays taken after a large image'),
  (engine) => {
    const script = fileURLToPath(new URL('measure-memory.ts', import.meta.url));
    const output = execFileSync(process.execPath, ['--expose-gc', script, engine], { encoding: 'utf8' });
    const { warm, afterMany, afterLarge } = JSON.parse(output);
    // A leak of one pyramid level or one result per call would show as hundreds of MiB.
    expect(afterMany - warm).toBeLessThan(24 * MIB);
    // The large image needs some 700 MiB with OpenCV, of which one thread keeps 64, and 50 with our engine.
    expect(afterLarge - warm).toBeLessThan(96 * MIB);
  },
);

describe.runIf(isWanted)(inThorough('the memory of a job'), () => {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const buildFolder = `${root}/build/native-faults`;

  beforeAll(() => {
    const options = { cwd: root, stdio: 'pipe' } as const;
    const configuration = ['-DCMAKE_BUILD_TYPE=Release', '-DEDGESIFT_TESTS=ON'];
    execFileSync('cmake', ['-S', 'origin/native', '-B', buildFolder, ...configuration], options);
    execFileSync('cmake', ['--build', buildFolder, '--target', 'job_memory_faults', '--parallel'], options);
  }, 240_000);

  test.each([
    ['is usable after the system has refused to take memory back', 'trim'],
    ['takes matrices back when there is no memory left', 'release'],
    ['survives that another thread releases its matrices', 'thread'],
  ])('%s', (_, situation) => {
    const program = `${buildFolder}/test/job_memory_faults`;
    const { status, signal, stderr } = spawnSync(program, [situation], { encoding: 'utf8' });
    expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' });
  });
});
