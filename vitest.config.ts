import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import TestOrder from './tools/test-order.ts';

/** No servers and no compilers: `npm run test:fast` runs these alone. */
const UNIT = 'test/unit/**/*.test.ts';
/** Real servers on a machine that others use too: a test that fails once and passes again was slow, not wrong. */
const RETRIES = 2;
/** What a client sees of the edge, the same on every runtime. */
const RUNTIMES = 'test/runtimes/**/*.test.ts';
/** Runs once for each project whose tests start an edge. */
const BUILD_EDGE = ['test/fixtures/build-edge.ts'];
/** Miniflare serves the same Worker as workerd: the behaviours of the public routes are enough there. */
const MINIFLARE = [
  'test/runtimes/edge.test.ts',
  'test/runtimes/batch.test.ts',
  'test/runtimes/matching.test.ts',
];

export default defineConfig({
  test: {
    // Real servers start and stop in these tests, on machines that may be busy.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    sequence: { sequencer: TestOrder },
    // The tests start hundreds of Node.js processes: the code that one has compiled, the next ones need not.
    env: { NODE_COMPILE_CACHE: fileURLToPath(new URL('build/node-compile-cache', import.meta.url)) },
    reporters: ['default', './tools/test-count.ts'],
    coverage: { provider: 'v8', include: ['edge/**', 'origin/**', 'shared/**', 'gateway/**', 'client/**'] },
    projects: [
      { extends: true, test: { name: 'unit', include: [UNIT], pool: 'threads', isolate: false } },
      {
        extends: true,
        test: {
          name: 'service',
          include: ['test/**/*.test.ts'],
          exclude: [UNIT, RUNTIMES],
          globalSetup: BUILD_EDGE,
          retry: RETRIES,
        },
      },
      {
        extends: true,
        test: {
          name: 'workerd',
          include: [RUNTIMES],
          provide: { runtime: 'workerd' },
          globalSetup: BUILD_EDGE,
          retry: RETRIES,
        },
      },
      {
        extends: true,
        test: {
          name: 'deno',
          include: [RUNTIMES],
          provide: { runtime: 'deno' },
          globalSetup: BUILD_EDGE,
          retry: RETRIES,
        },
      },
      {
        extends: true,
        test: {
          name: 'miniflare',
          include: MINIFLARE,
          provide: { runtime: 'miniflare' },
          globalSetup: BUILD_EDGE,
          retry: RETRIES,
        },
      },
    ],
  },
});
