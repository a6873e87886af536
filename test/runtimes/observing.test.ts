import { Validator } from '@seriousme/openapi-schema-validator';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { statsResponseSchema } from '../../shared/contract/stats.ts';
import { postImage, readDetection, readProblem } from '../fixtures/edge-client.ts';
import { type EdgeStack, startEdgeStack } from '../fixtures/edge-stack.ts';
import { newImage } from '../fixtures/images.ts';
import { inThorough, isShownOn } from '../fixtures/thorough.ts';
import { until } from '../fixtures/until.ts';

const runtime = inject('runtime');
const isWanted = isShownOn(runtime);

const DETECT_ENDPOINT = 'POST /api/v1/features/detect';

/** What the edge reports about itself, the same on every runtime. */
describe.runIf(isWanted)(inThorough(`observing the edge on ${runtime}`, isWanted), () => {
  let stack: EdgeStack;
  beforeAll(async () => {
    stack = await startEdgeStack({ runtime });
  });
  afterAll(() => stack?.stop());
  const readStats = async () =>
    statsResponseSchema.strict().parse(await (await fetch(`${stack.url}/api/v1/stats`)).json());

  describe('statistics', () => {
    test('count hits by tier, misses, errors, endpoints and regions; other paths share one name', async () => {
      const image = await newImage();
      for (const cached of [false, true, true]) {
        expect((await readDetection(await postImage(stack.url, image))).cached).toBe(cached);
      }
      await readProblem(await postImage(stack.url, new Uint8Array(10)));
      await Promise.all(['a', 'b'].map((name) => fetch(`${stack.url}/made-up/${name}`)));
      // What is just being written to Redis is missing for a moment.
      await expect.poll(readStats).toMatchObject({
        scope: 'service',
        cache: {
          hits: 2,
          misses: 1,
          hit_rate: 2 / 3,
          tiers: { memory: { hits: 2, hit_rate: 2 / 3 }, redis: { hits: 0, hit_rate: 0 } },
        },
        endpoints: { [DETECT_ENDPOINT]: { requests: 4, errors: 1 }, other: { requests: 2, errors: 2 } },
        regions: { local: { endpoints: { [DETECT_ENDPOINT]: 4, other: 2 } } },
      });
      const stats = await readStats();
      expect(JSON.stringify(stats)).not.toContain('made-up');
      expect(Object.values(stats.latency_ms.counts.origin ?? []).reduce((sum, count) => sum + count)).toBe(1);
    });

    test('outlive the edge: they are in Redis some seconds later', async () => {
      const counted = (await readStats()).requests;
      const redis = new Redis(stack.redis.url);
      await until('the counts are written', async () => {
        const fields = Object.entries(await redis.hgetall('stats'));
        const countries = fields.filter(([name]) => name.startsWith('country/'));
        return countries.reduce((sum, [, count]) => sum + Number(count), 0) >= counted;
      });
      redis.disconnect();
      await stack.restartEdge();
      expect((await readStats()).requests).toBeGreaterThanOrEqual(counted);
    });

    test('without Redis, are those of this isolate; they are written when it is back', async () => {
      await stack.restartEdge();
      const before = await readStats();
      stack.redis.pause();
      try {
        await fetch(`${stack.url}/health/live`);
        expect((await readStats()).scope).toBe('isolate');
      } finally {
        stack.redis.resume();
      }
      await until('Redis is asked again', async () => (await readStats()).scope === 'service');
      const after = await readStats();
      expect(after.endpoints['GET /health/live']?.requests).toBeGreaterThan(
        before.endpoints['GET /health/live']?.requests ?? 0,
      );
    });
  });

  describe('tracing', () => {
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    const logLineOf = async (requestId: string) => {
      let line: Record<string, unknown> | undefined;
      await until('the origin has logged the request', async () => {
        line = stack.origin.log
          .map((text) => JSON.parse(text))
          .find((entry) => entry.request_id === requestId);
        return line !== undefined;
      });
      return line ?? {};
    };
    const extract = async (requestId: string, traceparent?: string) => {
      const headers = { 'x-request-id': requestId, ...(traceparent && { traceparent }) };
      await readDetection(await postImage(stack.url, await newImage(), { headers }));
      return logLineOf(requestId);
    };

    test("a trace goes on to the origin's log, with the edge's own span as parent", async () => {
      const line = await extract('traced', `00-${traceId}-00f067aa0ba902b7-01`);
      expect(line.trace_id).toBe(traceId);
      expect(line.parent_span_id).toMatch(/^[0-9a-f]{16}$/);
      expect(line.parent_span_id).not.toBe('00f067aa0ba902b7');
      expect(line.span_id).not.toBe(line.parent_span_id);
    });

    test('a missing or invalid one begins anew', async () => {
      const absent = await extract('untraced');
      expect(absent.trace_id).toMatch(/^[0-9a-f]{32}$/);
      const invalid = await extract('badly-traced', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`);
      expect(invalid.trace_id).toMatch(/^(?!0{32})[0-9a-f]{32}$/);
    });
  });

  describe('pages', () => {
    test.each([
      ['/', 'text/html'],
      ['/docs', 'text/html'],
      ['/redoc', 'text/html'],
      ['/openapi.json', 'application/json'],
      ['/assets/swagger-ui-bundle.js', 'text/javascript'],
      ['/assets/swagger-ui.css', 'text/css'],
      ['/assets/icon.svg', 'image/svg+xml'],
    ])('%s is %s under a strict policy', async (path, type) => {
      const response = await fetch(stack.url + path);
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toContain(type);
      const policy = response.headers.get('content-security-policy');
      expect(policy).toMatch(/default-src 'none'.*script-src 'self';.*connect-src 'self'/);
      expect(policy).not.toMatch(/https?:|\*|unsafe-eval|script-src[^;]*unsafe/);
      expect((await response.text()).length).toBeGreaterThan(200);
      expect((await fetch(stack.url + path, { method: 'HEAD' })).status).toBe(200);
    });

    test('the document that is served is valid', async () => {
      const text = await (await fetch(`${stack.url}/openapi.json`)).text();
      expect(await new Validator().validate(text)).toEqual({ valid: true });
    });

    test.each([
      '/assets/nothing.css',
      '/assets/worker.ts',
      '/assets/..%2Fworker%2Fworker.js',
      '/assets/%2Fetc%2Fpasswd',
      '/assets/.css',
      '/assets/',
    ])('%s is not there', async (path) => {
      const problem = await readProblem(await fetch(stack.url + path));
      expect(problem.error_code).toBe('NOT_FOUND');
    });
  });
});
