import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEmbeddedBackend } from '../../gateway/embedded/embedded-backend.ts';
import { createGateway } from '../../gateway/server.ts';
import { createRestStore } from '../../origin/cache/rest-store.ts';
import { BYTES_PER_KEYPOINT, encodePayload } from '../../shared/features/payload.ts';
import { MATCH_PATH } from '../../shared/origin-protocol.ts';
import { FeatureRecords } from '../../shared/records/feature-records.ts';
import { RecordAuthenticator } from '../../shared/records/record-authenticator.ts';
import { encodeSummary } from '../../shared/records/summary-text.ts';
import { type RunningWorker, startWorker } from '../../tools/worker/run-worker.ts';
import { DETECT, imageForm, postImage, readDetection, readProblem } from '../fixtures/edge-client.ts';
import { idleClient, readsToTheEnd, requestBytes } from '../fixtures/idle-client.ts';
import { newImage } from '../fixtures/images.ts';
import { postMatch, readMatch } from '../fixtures/match-client.ts';
import { ORIGIN_SECRET } from '../fixtures/origin-server.ts';
import { MADE_UP_EXTRACTOR, metadataOfRequestedImage } from '../fixtures/requested-image.ts';
import { ResidentMemoryWatch } from '../fixtures/resident-memory.ts';
import { IS_THOROUGH, inThorough } from '../fixtures/thorough.ts';
import { until } from '../fixtures/until.ts';

// What one isolate holds for clients that want much and take little, in the real workerd. The origin is made up, so that
// its features cost nothing.
const TOKEN = 'token-of-the-test';
const MOST_BYTES = 280e6;
const MATCH_MS = 1_000;
const HELD_MS = 10_000;
/** A client that reads nothing takes this much of a large response; a refusal is shorter. */
const FIRST_BUFFER_BYTES = 64 * 1024;
const WITHIN_MS = 60_000;

const payloadOf = (metadata: ReturnType<typeof metadataOfRequestedImage>, keypoints: number) =>
  encodePayload(metadata, new Uint8Array(keypoints * BYTES_PER_KEYPOINT).fill(7));

type Detection = Awaited<ReturnType<typeof readDetection>>;
const records = new FeatureRecords(new RecordAuthenticator([ORIGIN_SECRET]));

const origin = createServer((request, response) => {
  const isMatch = request.url?.startsWith(MATCH_PATH) ?? false;
  request.resume().once('end', async () => {
    if (isMatch) {
      await sleep(MATCH_MS);
      response.end(JSON.stringify({ matches: 0, inliers: 0, homography: null, reason: 'too_few_matches' }));
      return;
    }
    const metadata = metadataOfRequestedImage(request);
    const summary = { metadata, count: 40_000, expiresAt: Date.now() + 3_600_000 };
    const wantsSummary = request.headers.accept === 'application/json';
    response.end(wantsSummary ? encodeSummary({ summary, payload: null }) : payloadOf(metadata, 40_000));
  });
});
let gateway: FastifyInstance;
let redisUrl = '';
let edge: RunningWorker;

describe.runIf(IS_THOROUGH)(inThorough('in workerd'), () => {
  beforeAll(async () => {
    gateway = createGateway({ backend: createEmbeddedBackend({ maxBytes: 256e6 }), token: TOKEN });
    redisUrl = await gateway.listen({ host: '127.0.0.1', port: 0 });
    origin.listen(0, '127.0.0.1');
    await once(origin, 'listening');
    edge = await startWorker({
      port: 0,
      log: 'ignore',
      env: {
        UPSTASH_REDIS_REST_URL: redisUrl,
        UPSTASH_REDIS_REST_TOKEN: TOKEN,
        // A busy machine makes no misses of hits.
        REDIS_TIMEOUT_MS: '5000',
        ORIGIN_URL: `http://127.0.0.1:${(origin.address() as AddressInfo).port}`,
        ORIGIN_SECRET,
        EXTRACTOR: MADE_UP_EXTRACTOR,
      },
    });
  });
  afterAll(async () => {
    await edge?.stop();
    origin.closeAllConnections();
    origin.close();
    await gateway?.close();
  });

  /** Writes a result to Redis, as real origins do. */
  async function share({ extractor, image, keypoints }: Detection): Promise<void> {
    const { name, version, parameters } = extractor;
    const metadata = { extractor: { name, version }, parameters, image };
    const summary = { metadata, count: keypoints, expiresAt: Date.now() + 3_600_000 };
    const store = createRestStore({ url: redisUrl, token: TOKEN });
    await store.set(await records.write(summary, payloadOf(metadata, keypoints)), 3_600);
  }

  /** Hits of another client until it is stopped; gives how long each took. */
  function hitsOfOthers(image: Uint8Array<ArrayBuffer>): { stop(): Promise<number[]> } {
    const times: number[] = [];
    let isOver = false;
    const work = (async () => {
      while (!isOver) {
        const startedAt = performance.now();
        expect((await readDetection(await postImage(edge.url, image))).cached).toBe(true);
        times.push(performance.now() - startedAt);
        await sleep(200);
      }
    })();
    // Reported by `stop`.
    work.catch(() => undefined);
    return {
      async stop() {
        isOver = true;
        await work;
        return times.toSorted((one, other) => one - other);
      },
    };
  }

  test('100 clients that ask for 40,000 keypoints with all descriptors, some in batches, and do not read', {
    timeout: 180_000,
  }, async () => {
    const known = await newImage();
    await share(await readDetection(await postImage(edge.url, known)));
    const single = async () =>
      requestBytes(`${edge.url}${DETECT}?include=all`, { body: imageForm(await newImage()) });
    const batch = async () => {
      const body = new FormData();
      for (const name of ['a.png', 'b.png']) body.append('images', new File([await newImage()], name));
      return requestBytes(`${edge.url}/api/v1/features/batch?include=all`, { body });
    };
    const requests = await Promise.all([
      ...Array.from({ length: 90 }, single),
      ...Array.from({ length: 10 }, batch),
    ]);
    const memory = new ResidentMemoryWatch(edge.pid);
    const clients = requests.map((bytes) => idleClient(edge.url, bytes));
    const others = hitsOfOthers(known);
    const begun = () => clients.find(({ bytesRead }) => bytesRead >= FIRST_BUFFER_BYTES);
    await until('a response begins', async () => begun() !== undefined);
    const first = begun();
    await sleep(HELD_MS);
    const times = await others.stop();
    expect(memory.stop()).toBeLessThan(MOST_BYTES);
    expect(times[Math.floor(times.length / 2)]).toBeLessThan(2_000);
    expect(first && (await readsToTheEnd(first, 20_000))).toBe(false);
    for (const client of clients) client.destroy();
  });

  test('40 matches by hash of 20,000 keypoints each: done, or refused at once with Retry-After', {
    timeout: 180_000,
  }, async () => {
    const known = await newImage();
    const detection = await readDetection(await postImage(edge.url, known));
    await share(detection);
    const hashes = ['a', 'b'].map((digit) => digit.repeat(64));
    for (const sha256 of hashes) {
      await share({ ...detection, keypoints: 20_000, image: { ...detection.image, sha256 } });
    }
    const [image1 = '', image2 = ''] = hashes;
    const memory = new ResidentMemoryWatch(edge.pid);
    const others = hitsOfOthers(known);
    const startedAt = performance.now();
    const responses = await Promise.all(
      Array.from({ length: 40 }, () => postMatch(edge.url, { image1, image2 })),
    );
    const tookMs = performance.now() - startedAt;
    const times = await others.stop();
    expect(memory.stop()).toBeLessThan(MOST_BYTES);
    expect(times[Math.floor(times.length / 2)]).toBeLessThan(2_000);
    const done = responses.filter(({ ok }) => ok);
    expect(done.length).toBeGreaterThan(0);
    for (const response of done) await readMatch(response);
    for (const response of responses.filter(({ ok }) => !ok)) {
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(await readProblem(response)).toMatchObject({ status: 503, error_code: 'OVERLOADED' });
    }
    expect(tookMs).toBeLessThan(WITHIN_MS);
  });
});
