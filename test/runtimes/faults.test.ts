import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { DETECT, postImage, readDetection, readProblem } from '../fixtures/edge-client.ts';
import { type EdgeStack, type EdgeStackOptions, startEdgeStack } from '../fixtures/edge-stack.ts';
import { newImage } from '../fixtures/images.ts';
import { type OriginServer, startOriginServer } from '../fixtures/origin-server.ts';
import { readMetric } from '../fixtures/prometheus.ts';
import { startRedisServer } from '../fixtures/redis-server.ts';
import { inThorough, isShownOn } from '../fixtures/thorough.ts';
import { until } from '../fixtures/until.ts';

const runtime = inject('runtime');

/** Extractions that the origin responded to; a recent one need not be computed again. */
const servedByOrigin = (origin: OriginServer) => readMetric(origin, 'requests_total{outcome="ok"}');

const SAFETENSORS = { Accept: 'application/vnd.safetensors' };

/** What takes long is shown on one runtime. */
const isWanted = isShownOn(runtime);

const healthOf = async ({ url }: EdgeStack) => {
  const response = await fetch(`${url}/health`);
  const { status, cache_connected } = (await response.json()) as {
    status: string;
    cache_connected: boolean;
  };
  return { code: response.status, status, cache_connected };
};

const isHealthy = async (stack: EdgeStack) => (await healthOf(stack)).status === 'healthy';

/** What a client sees while something behind the edge is broken for a while, the same on every runtime. */
describe(`passing faults, with the edge on ${runtime}`, () => {
  let stack: EdgeStack;
  beforeAll(async () => {
    stack = await startEdgeStack({ runtime });
  });
  afterAll(() => stack?.stop());
  afterEach(() => {
    stack.redis.resume();
    stack.origin.resume();
  });

  test('Redis hangs: nobody waits for it longer than its time budget, and it is used again when it wakes', async () => {
    await stack.restartEdge({ REDIS_TIMEOUT_MS: '100' });
    const before = await newImage();
    await readDetection(await postImage(stack.url, before));
    stack.redis.pause();
    const images = await Promise.all(Array.from({ length: 4 }, () => newImage()));
    for (const photo of images) {
      expect((await readDetection(await postImage(stack.url, photo))).cached).toBe(false);
    }
    expect((await readDetection(await postImage(stack.url, before))).cache.tier).toBe('memory');
    stack.redis.resume();
    await until('health says healthy', () => isHealthy(stack));
  });

  test.runIf(isWanted)(
    inThorough('damaged records in Redis are misses, and are replaced', isWanted),
    async () => {
      await stack.restartEdge();
      const photo = await newImage();
      const first = await postImage(stack.url, photo, { headers: SAFETENSORS });
      const payload = new Uint8Array(await first.arrayBuffer());
      const { image } = await readDetection(await postImage(stack.url, photo));
      const other = await readDetection(await postImage(stack.url, await newImage()));
      await until('both results are in Redis', async () => {
        const keys = [
          await redisKeys(stack.redis.url, image.sha256),
          await redisKeys(stack.redis.url, other.image.sha256),
        ];
        return keys.every((found) => found.length === 2);
      });
      const redis = new Redis(stack.redis.url);
      const [payloadKey = '', summaryKey = ''] = (await redisKeys(stack.redis.url, image.sha256)).toSorted();
      const [, otherSummaryKey = ''] = (await redisKeys(stack.redis.url, other.image.sha256)).toSorted();
      const sound = {
        payload: (await redis.getBuffer(payloadKey)) ?? Buffer.alloc(0),
        summary: (await redis.get(summaryKey)) ?? '',
      };
      const foreign = (await redis.get(otherSummaryKey)) ?? '';
      const flip = (text: string, at: number) =>
        text.slice(0, at) + (text[at] === '1' ? '2' : '1') + text.slice(at + 1);
      const flipped = Buffer.from(sound.payload);
      flipped[2_000] = (flipped[2_000] ?? 0) ^ 1;
      expect(sound.payload).toEqual(Buffer.from(payload));
      const damages: [key: string, value: string | Buffer][] = [
        [summaryKey, ''],
        [summaryKey, 'nonsense'],
        [summaryKey, sound.summary.slice(0, -1)],
        [summaryKey, flip(sound.summary, sound.summary.indexOf('"keypoints":') + 12)],
        [summaryKey, foreign],
        [payloadKey, 'nonsense'],
        [payloadKey, sound.payload.toString('base64')],
        [payloadKey, sound.payload.subarray(0, 1_000)],
        [payloadKey, flipped],
      ];
      for (const [key, value] of damages) {
        await redis.set(summaryKey, sound.summary);
        await redis.set(payloadKey, sound.payload);
        await redis.set(key, value);
        await stack.restartEdge();
        const served = await servedByOrigin(stack.origin);
        const response = await postImage(stack.url, photo, { headers: SAFETENSORS });
        expect(response.headers.get('x-cache')).toBe('MISS');
        expect(new Uint8Array(await response.arrayBuffer())).toEqual(payload);
        expect(await servedByOrigin(stack.origin)).toBe(served + 1);
        await until('the record is mended', async () => {
          return !(await redis.getBuffer(key))?.equals(Buffer.from(value));
        });
      }
      redis.disconnect();
    },
  );

  test('origin too slow: 504 in time; origin awake: works again', async () => {
    await stack.restartEdge({ ORIGIN_TIMEOUT_MS: '1000' });
    stack.origin.pause();
    const problem = await readProblem(await postImage(stack.url, await newImage()));
    expect(problem).toMatchObject({ status: 504, error_code: 'SERVICE_TIMEOUT' });
    stack.origin.resume();
    await until('uploads work again', async () => (await postImage(stack.url, await newImage())).ok);
  });

  test('an upload that takes too long is ended with a response', async () => {
    await stack.restartEdge({ UPLOAD_TIMEOUT_MS: '500' });
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    void writer.write(new Uint8Array(10)).catch(() => undefined);
    const headers = { 'content-type': 'image/png' };
    const response = await fetch(`${stack.url}${DETECT}`, {
      method: 'POST',
      body: readable,
      headers,
      duplex: 'half',
    });
    expect(await readProblem(response)).toMatchObject({ status: 504, error_code: 'SERVICE_TIMEOUT' });
    await writer.abort().catch(() => undefined);
  });

  test('a faulty configuration: 503 for everyone, the names of the settings in the log only', async () => {
    await stack.restartEdge({ EXTRACTOR: 'nonsense' });
    const problem = await readProblem(await postImage(stack.url, await newImage()));
    expect(problem).toMatchObject({ status: 503, error_code: 'SERVICE_NOT_READY' });
    expect(JSON.stringify(problem)).not.toContain('EXTRACTOR');
  });
});

/** With a service of its own for each: parts of it end, or have other settings. */
describe.runIf(isWanted)(inThorough(`faults, with the edge on ${runtime}`, isWanted), () => {
  let stack: EdgeStack;
  const start = async (options: Omit<EdgeStackOptions, 'runtime'> = {}) => {
    stack = await startEdgeStack({ runtime, ...options });
  };
  afterEach(() => stack?.stop());

  test('Redis stopped: features as before, health degraded; Redis back: cached again, no restart', async () => {
    await start();
    const photo = await newImage();
    await readDetection(await postImage(stack.url, photo));
    await stack.redis.stop();
    expect((await readDetection(await postImage(stack.url, photo))).cache.tier).toBe('memory');
    for (let upload = 0; upload < 5; upload += 1) {
      expect((await readDetection(await postImage(stack.url, await newImage()))).cached).toBe(false);
    }
    await until('health says degraded', async () => (await healthOf(stack)).status === 'degraded');
    expect(await healthOf(stack)).toEqual({ code: 200, status: 'degraded', cache_connected: false });

    const redis = await startRedisServer({ port: stack.redis.port });
    try {
      await until('health says healthy', () => isHealthy(stack));
      let later = await newImage();
      await until('results reach Redis again', async () => {
        // What was computed while the cache did not ask Redis stays in memory alone.
        later = await newImage();
        const { image } = await readDetection(await postImage(stack.url, later));
        await sleep(50);
        return (await redisKeys(redis.url, image.sha256)).length > 0;
      });
      await stack.restartEdge();
      expect((await readDetection(await postImage(stack.url, later))).cache.tier).toBe('redis');
    } finally {
      await redis.stop();
    }
  });

  test('origin down: 502 for what is not cached, hits go on; origin back: works again, no restart', async () => {
    await start();
    const photo = await newImage();
    await readDetection(await postImage(stack.url, photo));
    await stack.origin.kill();
    for (let upload = 0; upload < 6; upload += 1) {
      const response = await postImage(stack.url, await newImage());
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(await readProblem(response)).toMatchObject({ status: 502, error_code: 'ORIGIN_UNAVAILABLE' });
    }
    expect((await readDetection(await postImage(stack.url, photo))).cached).toBe(true);
    await until('health says unhealthy', async () => (await healthOf(stack)).code === 503);
    const origin = await startOriginServer({ ORIGIN_PORT: new URL(stack.origin.url).port });
    try {
      await until('uploads work again', async () => (await postImage(stack.url, await newImage())).ok);
      await until('health says healthy', () => isHealthy(stack));
    } finally {
      await origin.stop();
    }
  }, 240_000);

  test('origin full: some get features, the others 503 with Retry-After, and nobody anything else', async () => {
    await start({ originEnvironment: { ORIGIN_THREADS: '1', ORIGIN_QUEUE_LENGTH: '2' } });
    const images = await Promise.all(Array.from({ length: 12 }, () => newImage(700, 600)));
    const responses = await Promise.all(images.map((photo) => postImage(stack.url, photo)));
    const refused = responses.filter((response) => response.status !== 200);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThan(images.length);
    for (const response of refused) {
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(await readProblem(response)).toMatchObject({ status: 503, error_code: 'OVERLOADED' });
    }
    const [photo = new Uint8Array()] = images;
    await until('it takes uploads again', async () => (await postImage(stack.url, photo)).ok);
  });

  test('a flood, meanwhile Redis hangs and the origin is killed: contract responses alone, bounded memory, then all is well', async () => {
    await start({
      originEnvironment: { ORIGIN_THREADS: '1', ORIGIN_QUEUE_LENGTH: '4' },
      edgeEnvironment: { REDIS_TIMEOUT_MS: '100', ORIGIN_TIMEOUT_MS: '5000' },
    });
    const known = await newImage();
    await readDetection(await postImage(stack.url, known));
    const base = await newImage(500, 400);
    const outcomes = new Map<string, number>();
    let flooding = true;
    const client = async (_: unknown, index: number) => {
      while (flooding) {
        // Decoders ignore what follows the image, hashes do not.
        const photo = index % 4 === 0 ? known : new Uint8Array([...base, ...randomBytes(8)]);
        const response = await postImage(stack.url, photo);
        const outcome = response.ok
          ? (await readDetection(response)).cache.tier
          : (await readProblem(response)).error_code;
        outcomes.set(String(outcome), (outcomes.get(String(outcome)) ?? 0) + 1);
      }
    };
    const clients = Promise.all(Array.from({ length: 32 }, client));
    clients.catch(() => undefined);
    let origin: OriginServer | undefined;
    try {
      await sleep(2_000);
      stack.redis.pause();
      await sleep(2_000);
      await stack.origin.kill();
      await sleep(2_000);
      stack.redis.resume();
      origin = await startOriginServer({ ORIGIN_PORT: new URL(stack.origin.url).port });
      await sleep(1_000);
      flooding = false;
      await clients;
      const codes = [...outcomes.keys()];
      expect(codes).toEqual(expect.arrayContaining(['memory', 'null', 'OVERLOADED', 'ORIGIN_UNAVAILABLE']));
      const allowed = ['memory', 'redis', 'null', 'OVERLOADED', 'ORIGIN_UNAVAILABLE', 'SERVICE_TIMEOUT'];
      expect(codes.filter((code) => ![...allowed, 'SERVICE_NOT_READY'].includes(code))).toEqual([]);
      // An isolate's memory is for uploads, results and responses; on Cloudflare it would end at 128 MB, runtime apart.
      expect(mostResidentBytes(stack.edgePid)).toBeLessThan(600e6);
      expect(mostResidentBytes(origin.pid)).toBeLessThan(600e6);
      await until('uploads work again', async () => (await postImage(stack.url, await newImage())).ok);
      await until('health says healthy', () => isHealthy(stack));
    } finally {
      flooding = false;
      await origin?.stop();
    }
  }, 240_000);
});

function mostResidentBytes(pid: number): number {
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) * 1024;
}

async function redisKeys(url: string, sha256: string): Promise<string[]> {
  const redis = new Redis(url);
  try {
    return await redis.keys(`features:*${sha256}*`);
  } finally {
    redis.disconnect();
  }
}
