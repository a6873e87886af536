import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { statusOf } from '../../shared/contract/errors.ts';
import { DETECT, postImage, readDetection, readProblem } from '../fixtures/edge-client.ts';
import { type EdgeStack, startEdgeStack } from '../fixtures/edge-stack.ts';
import { newImage } from '../fixtures/images.ts';
import { inThorough, isShownOn } from '../fixtures/thorough.ts';
import { createKey, runTool } from '../fixtures/tool.ts';
import { until } from '../fixtures/until.ts';

const runtime = inject('runtime');
/** What takes an edge started anew is shown on one runtime. */
const isWanted = isShownOn(runtime);

const UNKNOWN_KEY = `es_${'0'.repeat(12)}_${'0'.repeat(64)}`;
const NOWHERE = `/api/v1/features/${'0'.repeat(64)}`;
const NO_HASH = '/api/v1/features/no-hash';
const CACHE_KEYS = '/api/v1/cache/keys';

const bearer = (key: string) => ({ Authorization: `Bearer ${key}` });

async function codeOf(response: Response): Promise<number | string> {
  return response.ok ? response.status : (await readProblem(response)).error_code;
}

/** Which clients may call which routes, and how often, the same on every runtime. */
describe(`access to the edge on ${runtime}`, () => {
  let stack: EdgeStack;
  let redis: Redis;
  const keys: Record<string, string> = {};
  beforeAll(async () => {
    stack = await startEdgeStack({ runtime });
    redis = new Redis(stack.redis.url);
    for (const scope of ['read', 'write', 'admin'] as const) {
      keys[scope] = await createKey(stack.redisEnvironment, scope);
    }
  });
  afterAll(async () => {
    redis?.disconnect();
    await stack?.stop();
  });

  const keyOf = (scope: string) => keys[scope] ?? '';
  const call = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    fetch(stack.url + path, { method, headers });
  const callsOf = async (command: string) => {
    const stats = await redis.info('commandstats');
    return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
  };

  describe('with API keys required', () => {
    beforeAll(() => stack.restartEdge({ REQUIRE_API_KEY: 'true' }));

    const routes: [method: string, path: string, scope: string][] = [
      ['GET', NOWHERE, 'read'],
      ['POST', DETECT, 'write'],
      ['GET', CACHE_KEYS, 'admin'],
      ['DELETE', `${CACHE_KEYS}?pattern=none`, 'admin'],
      ['GET', `${CACHE_KEYS}/none`, 'admin'],
      ['DELETE', `${CACHE_KEYS}/none`, 'admin'],
    ];
    test.each(routes)('%s %s takes scope %s', async (method, path, scope) => {
      const scopes = ['read', 'write', 'admin'];
      for (const [rank, granted] of scopes.entries()) {
        const response = await call(path, bearer(keyOf(granted)), method);
        if (rank >= scopes.indexOf(scope)) {
          expect([401, 403]).not.toContain(response.status);
          await response.body?.cancel();
          continue;
        }
        expect(response.headers.get('www-authenticate')).toContain('error="insufficient_scope"');
        const problem = await readProblem(response);
        expect(problem).toMatchObject({ error_code: 'FORBIDDEN', status: 403 });
        expect(problem.details).toEqual({ required_scope: scope, scope: granted });
      }
    });

    test.each(routes)('%s %s without a key, or with a wrong one: 401', async (method, path) => {
      const wrong = [
        {},
        bearer('nonsense'),
        bearer(UNKNOWN_KEY),
        bearer(keyOf('admin').replace(/.$/, (last) => (last === '0' ? '1' : '0'))),
        { Authorization: `Basic ${keyOf('admin')}` },
        { 'X-API-Key': UNKNOWN_KEY },
      ];
      for (const headers of wrong) {
        const response = await call(path, headers, method);
        expect(response.headers.get('www-authenticate')).toMatch(/^Bearer realm="edgesift"/);
        expect(await codeOf(response)).toBe('UNAUTHORIZED');
      }
    });

    test('X-API-Key does as well, and a HEAD is a GET', async () => {
      expect(await codeOf(await call(NOWHERE, { 'X-API-Key': keyOf('read') }))).toBe('FEATURES_NOT_CACHED');
      expect((await call(NOWHERE, bearer(keyOf('read')), 'HEAD')).status).toBe(404);
      expect((await call(NOWHERE, {}, 'HEAD')).status).toBe(401);
    });

    test('an upload that is refused still gets its response', async () => {
      const body = new Uint8Array(8 * 1024 * 1024);
      const expected: [headers: Record<string, string>, code: string][] = [
        [{}, 'UNAUTHORIZED'],
        [bearer(UNKNOWN_KEY), 'UNAUTHORIZED'],
        [bearer(keyOf('read')), 'FORBIDDEN'],
      ];
      for (const [headers, code] of expected) {
        const response = await fetch(stack.url + DETECT, {
          method: 'POST',
          body,
          headers: { ...headers, 'content-type': 'image/png' },
        });
        expect(await codeOf(response)).toBe(code);
      }
    });

    test('health needs no key', async () => {
      expect((await call('/health/live')).status).toBe(200);
      expect((await call('/health')).status).toBe(200);
    });

    test('results may not be kept by shared caches', async () => {
      const image = await newImage();
      const headers = bearer(keyOf('write'));
      const { links } = await readDetection(await postImage(stack.url, image, { headers }));
      const found = await call(links.self, headers);
      expect(found.status).toBe(200);
      expect(found.headers.get('cache-control')).toMatch(/^private, /);
      const etag = found.headers.get('etag') ?? '';
      const unchanged = await call(links.self, { ...headers, 'If-None-Match': etag });
      expect(unchanged.status).toBe(304);
      expect(unchanged.headers.get('cache-control') ?? '').not.toContain('public');
    });

    test.runIf(isWanted)(
      inThorough(
        '200 requests at once with a key not seen before ask Redis once, and later ones not at all',
        isWanted,
      ),
      async () => {
        await stack.restartEdge({ REQUIRE_API_KEY: 'true' });
        const image = await newImage();
        const headers = bearer(keyOf('write'));
        const before = await callsOf('hget');
        const responses = await Promise.all(
          Array.from({ length: 200 }, () => postImage(stack.url, image, { headers })),
        );
        await Promise.all(responses.map(readDetection));
        expect(await callsOf('hget')).toBe(before + 1);
        const hit = await postImage(stack.url, image, { headers });
        expect((await readDetection(hit)).cache.tier).toBe('memory');
        expect(hit.headers.get('server-timing')).not.toContain('key;');
        expect(await callsOf('hget')).toBe(before + 1);
      },
    );

    test.runIf(isWanted)(
      inThorough('a wrong key is asked about once in a while, not each time', isWanted),
      async () => {
        await stack.restartEdge({ REQUIRE_API_KEY: 'true' });
        const before = await callsOf('hget');
        for (let attempt = 0; attempt < 10; attempt += 1) {
          expect((await call(NOWHERE, bearer(UNKNOWN_KEY))).status).toBe(401);
        }
        expect(await callsOf('hget')).toBeLessThanOrEqual(before + 2);
      },
    );

    test.runIf(isWanted)(
      inThorough('a revoked key is refused by an edge that does not remember it', isWanted),
      async () => {
        const key = await createKey(stack.redisEnvironment, 'read');
        expect(await codeOf(await call(NOWHERE, bearer(key)))).toBe('FEATURES_NOT_CACHED');
        const id = key.split('_')[1] ?? '';
        const revoked = await runTool('keys', ['revoke', id], stack.redisEnvironment);
        expect(revoked).toMatchObject({ code: 0, lines: [expect.stringContaining(`${id} is revoked`)] });
        await stack.restartEdge({ REQUIRE_API_KEY: 'true' });
        expect(await codeOf(await call(NOWHERE, bearer(key)))).toBe('UNAUTHORIZED');
      },
    );

    test('Redis holds no key, only what cannot be turned back into one', async () => {
      const records = await redis.hgetall('api-keys');
      const text = JSON.stringify(records);
      for (const key of Object.values(keys)) {
        expect(text).not.toContain(key.split('_')[2]);
        expect(text).toContain(createHash('sha256').update(key).digest('hex'));
      }
    });

    test.runIf(isWanted)(
      inThorough(
        'Redis hangs: known keys still work, unknown ones get 503; Redis wakes: all work again',
        isWanted,
      ),
      async () => {
        await stack.restartEdge({ REQUIRE_API_KEY: 'true' });
        const known = bearer(keyOf('read'));
        const unknown = bearer(keyOf('admin'));
        expect(await codeOf(await call(NOWHERE, known))).toBe('FEATURES_NOT_CACHED');
        stack.redis.pause();
        try {
          const refused = await call(NOWHERE, unknown);
          expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
          expect(await codeOf(refused)).toBe('SERVICE_NOT_READY');
          // A known key is let through to what needs no Redis: the check of the path.
          expect(await codeOf(await call(NO_HASH, known))).toBe('INVALID_PARAMETER');
        } finally {
          stack.redis.resume();
        }
        await until('the other key works', async () => (await call(CACHE_KEYS, unknown)).ok);
      },
    );
  });

  describe('without API keys required', () => {
    beforeAll(() => stack.restartEdge());

    test('all is open but administration, which takes a key of scope admin', async () => {
      expect(await codeOf(await call(NOWHERE))).toBe('FEATURES_NOT_CACHED');
      expect((await readDetection(await postImage(stack.url, await newImage()))).success).toBe(true);
      expect(await codeOf(await call(CACHE_KEYS))).toBe('UNAUTHORIZED');
      expect(await codeOf(await call(CACHE_KEYS, bearer(keyOf('write'))))).toBe('FORBIDDEN');
      expect(await codeOf(await call(CACHE_KEYS, bearer(keyOf('admin'))))).toBe(200);
    });

    test('nothing mentions limits or other origins', async () => {
      const { headers } = await call(NOWHERE, { Origin: 'https://app.example' });
      expect([headers.get('ratelimit'), headers.get('access-control-allow-origin')]).toEqual([null, null]);
    });
  });

  describe('security headers', () => {
    test('are on responses and on errors', async () => {
      const image = await newImage();
      const responses = [
        ...['/health/live', NOWHERE, '/nothing'].map((path) => call(path)),
        ...['', '?include=all', '?format=npz'].map((query) => postImage(stack.url, image, { query })),
      ];
      for (const { headers } of await Promise.all(responses)) {
        expect(headers.get('x-content-type-options')).toBe('nosniff');
        expect(headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'");
        expect(headers.get('referrer-policy')).toBe('no-referrer');
        expect(headers.get('strict-transport-security')).toMatch(/^max-age=\d+/);
      }
    });
  });

  describe('requests from web pages', () => {
    const page = { Origin: 'https://app.example' };
    const preflight = { ...page, 'Access-Control-Request-Method': 'POST' };
    beforeAll(() =>
      stack.restartEdge({
        REQUIRE_API_KEY: 'true',
        CORS_ORIGINS: 'https://app.example, https://other.example',
      }),
    );

    test('a preflight needs no key and is good for a day', async () => {
      const { status, headers } = await call(DETECT, preflight, 'OPTIONS');
      expect(status).toBe(204);
      expect(headers.get('access-control-allow-origin')).toBe('https://app.example');
      expect(headers.get('access-control-allow-methods')).toBe('GET,HEAD,POST,DELETE');
      expect(headers.get('access-control-allow-headers')).toContain('Authorization');
      expect(headers.get('access-control-max-age')).toBe('86400');
      expect(headers.get('access-control-allow-credentials')).toBeNull();
      expect(headers.get('vary')).toContain('Origin');
    });

    test('pages read responses and errors, with the headers that matter', async () => {
      for (const headers of [page, { ...page, ...bearer(keyOf('read')) }]) {
        const response = (await call(NOWHERE, headers)).headers;
        expect(response.get('access-control-allow-origin')).toBe('https://app.example');
        for (const name of ['ETag', 'X-Cache', 'X-Request-ID', 'Server-Timing', 'RateLimit', 'Retry-After']) {
          expect(response.get('access-control-expose-headers')?.split(',')).toContain(name);
        }
      }
    });

    test('pages of other origins do not', async () => {
      for (const method of ['OPTIONS', 'GET']) {
        const { headers } = await call(NOWHERE, { ...preflight, Origin: 'https://evil.example' }, method);
        expect(headers.get('access-control-allow-origin')).toBeNull();
        expect(headers.get('vary')).toContain('Origin');
      }
    });

    test.runIf(isWanted)(inThorough('for any origin: without credentials', isWanted), async () => {
      await stack.restartEdge({ CORS_ORIGINS: '*' });
      const { headers } = await call(DETECT, preflight, 'OPTIONS');
      expect(headers.get('access-control-allow-origin')).toBe('*');
      expect(headers.get('access-control-allow-credentials')).toBeNull();
    });
  });

  describe('rate limits', () => {
    const limits = {
      RATE_LIMIT: '20',
      RATE_LIMIT_WINDOW_S: '86400',
      RATE_LIMIT_MISS_COST: '8',
      CLIENT_ADDRESS_HEADER: 'x-forwarded-for',
    };
    /** Each test is a client of its own. */
    let client: Record<string, string>;
    let clients = 0;
    beforeAll(() => stack.restartEdge(limits));
    beforeEach(() => {
      clients += 1;
      client = { 'X-Forwarded-For': `203.0.113.${clients}` };
    });

    const remainingIn = ({ headers }: Response) =>
      Number(/^"default";r=(\d+);t=\d+$/.exec(headers.get('ratelimit') ?? '')?.[1] ?? Number.NaN);
    const exhaust = async (headers: Record<string, string>) => {
      for (let request = 0; request < 20; request += 1) {
        expect((await call(NOWHERE, headers)).status).toBe(404);
      }
    };

    test('every response names the policy and what is left; then 429 with Retry-After', async () => {
      for (let left = 19; left >= 0; left -= 1) {
        const response = await call(NOWHERE, client);
        expect(response.status).toBe(404);
        expect(response.headers.get('ratelimit-policy')).toBe('"default";q=20;w=86400');
        expect(remainingIn(response)).toBe(left);
      }
      const refused = await call(NOWHERE, client);
      expect(remainingIn(refused)).toBe(0);
      const reset = Number(/t=(\d+)$/.exec(refused.headers.get('ratelimit') ?? '')?.[1]);
      expect(Math.abs(Number(refused.headers.get('retry-after')) - reset)).toBeLessThanOrEqual(1);
      expect(await readProblem(refused)).toMatchObject({
        error_code: 'RATE_LIMITED',
        status: statusOf('RATE_LIMITED'),
        details: { limit: 20, window_s: 86400 },
      });
    });

    test('a computed response costs more than a found one', async () => {
      const image = await newImage();
      const miss = await postImage(stack.url, image, { headers: client });
      expect([miss.headers.get('x-cache'), remainingIn(miss)]).toEqual(['MISS', 12]);
      const hit = await postImage(stack.url, image, { headers: client });
      expect([hit.headers.get('x-cache'), remainingIn(hit)]).toEqual(['HIT memory', 11]);
    });

    test('health is not limited', async () => {
      await exhaust(client);
      const { status, headers } = await call('/health/live', client);
      expect([status, headers.get('ratelimit')]).toEqual([200, null]);
    });

    test('one client does not use up what another has; only the last proxy is believed', async () => {
      await exhaust(client);
      const address = client['X-Forwarded-For'] ?? '';
      expect((await call(NOWHERE, { 'X-Forwarded-For': `198.51.100.1, ${address}` })).status).toBe(429);
      expect((await call(NOWHERE, { 'X-Forwarded-For': `${address}, 198.51.100.1` })).status).toBe(404);
    });

    test('addresses of one IPv6 subscriber are one client', async () => {
      await exhaust({ 'X-Forwarded-For': '2001:db8:1:2::1' });
      expect((await call(NOWHERE, { 'X-Forwarded-For': '2001:db8:1:2:3:4:5:6' })).status).toBe(429);
      expect((await call(NOWHERE, { 'X-Forwarded-For': '2001:db8:1:3::1' })).status).toBe(404);
    });

    test.runIf(isWanted)(inThorough('what one edge counted another one knows', isWanted), async () => {
      await exhaust(client);
      // Reports go out once a second, with a request.
      await sleep(1_100);
      await call(NOWHERE, client);
      const network = `network:${client['X-Forwarded-For']}`;
      await until('Redis knows', async () => {
        const [key = ''] = await redis.keys('rate-limit:86400:*');
        return Number(await redis.hget(key, network)) >= 20;
      });
      await stack.restartEdge(limits);
      await until('it is refused', async () => (await call(NOWHERE, client)).status === 429);
    });

    test('a memory hit waits for nothing: Redis hangs, and limits go on', async () => {
      const image = await newImage();
      await readDetection(await postImage(stack.url, image, { headers: client }));
      stack.redis.pause();
      try {
        const statuses = [];
        for (let request = 0; request < 14; request += 1) {
          statuses.push((await postImage(stack.url, image, { headers: client })).status);
        }
        expect(statuses).toEqual([...Array.from({ length: 12 }, () => 200), 429, 429]);
      } finally {
        stack.redis.resume();
      }
    });

    test.runIf(isWanted)(
      inThorough(
        'with API keys each key has its own limit; look-ups of unknown keys use up the address',
        isWanted,
      ),
      async () => {
        await stack.restartEdge({ ...limits, REQUIRE_API_KEY: 'true' });
        await exhaust({ ...client, ...bearer(keyOf('read')) });
        expect(await codeOf(await call(NOWHERE, { ...client, ...bearer(keyOf('read')) }))).toBe(
          'RATE_LIMITED',
        );
        expect(await codeOf(await call(NOWHERE, { ...client, ...bearer(keyOf('write')) }))).toBe(
          'FEATURES_NOT_CACHED',
        );
        const guesses = await Promise.all(
          Array.from({ length: 30 }, (_, guess) =>
            call(NOWHERE, {
              ...client,
              ...bearer(`es_${String(guess).padStart(12, '0')}_${'0'.repeat(64)}`),
            }).then(codeOf),
          ),
        );
        // Two look-ups of good keys came before.
        expect(guesses.filter((code) => code === 'UNAUTHORIZED').length).toBe(18);
        expect(guesses.filter((code) => code === 'RATE_LIMITED').length).toBe(12);
      },
    );

    test("without a proxy's header the connection's address counts; a new window, a new quota", async () => {
      await stack.restartEdge({ RATE_LIMIT: '3', RATE_LIMIT_WINDOW_S: '2' });
      const codes = [];
      for (let request = 0; request < 9; request += 1) {
        const spoofed = { 'X-Forwarded-For': `203.0.113.${request}`, 'CF-Connecting-IP': `${request}` };
        codes.push((await call(NOWHERE, spoofed)).status);
      }
      expect(codes).toContain(429);
      await until('the next window', async () => (await call(NOWHERE)).status === 404);
      await until('Redis knows the address', async () => {
        const counts = await Promise.all((await redis.keys('rate-limit:2:*')).map((key) => redis.hkeys(key)));
        return counts.flat().includes('network:127.0.0.1');
      });
    });
  });
});
