import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRedisBackend } from '../../gateway/redis-backend.ts';
import { createGateway } from '../../gateway/server.ts';
import { createRedisStore } from '../../origin/cache/redis-store.ts';
import { BYTES_PER_KEYPOINT, decodePayload, encodePayload } from '../../shared/features/payload.ts';
import { SAFETENSORS_CONTENT_TYPE } from '../../shared/features/safetensors.ts';
import { FeatureRecords } from '../../shared/records/feature-records.ts';
import { RecordAuthenticator } from '../../shared/records/record-authenticator.ts';
import { type RunningWorker, startWorker } from '../../tools/worker/run-worker.ts';
import { ORIGIN_SECRET } from '../fixtures/origin-server.ts';
import { type RedisServer, startRedisServer } from '../fixtures/redis-server.ts';
import { MADE_UP_EXTRACTOR } from '../fixtures/requested-image.ts';
import { until } from '../fixtures/until.ts';
import { flatFeatures } from '../formats/flat-features.ts';

// How many payloads an isolate has Redis send it at one time: seen from a gateway whose look-ups take a while.
const TOKEN = 'token';
const LOOK_UP_MS = 100;

const { metadata: metadataOfFlatImage } = decodePayload(flatFeatures());

let redis: RedisServer;
let [running, most] = [0, 0];

async function startSlowGateway() {
  const backend = createRedisBackend({ url: redis.url });
  return createGateway({
    token: TOKEN,
    backend: {
      ...backend,
      async pipeline(commands) {
        if (commands[0]?.[0] !== 'MGET') return backend.pipeline(commands);
        running += 1;
        most = Math.max(most, running);
        await sleep(LOOK_UP_MS);
        return backend.pipeline(commands).finally(() => {
          running -= 1;
        });
      },
    },
  });
}

let gateway: Awaited<ReturnType<typeof startSlowGateway>>;
const workers: RunningWorker[] = [];

async function startEdge(): Promise<string> {
  const worker = await startWorker({
    port: 0,
    log: 'ignore',
    env: {
      UPSTASH_REDIS_REST_URL: gateway.listeningOrigin,
      UPSTASH_REDIS_REST_TOKEN: TOKEN,
      REDIS_TIMEOUT_MS: '5000',
      ORIGIN_URL: 'http://127.0.0.1:1',
      ORIGIN_SECRET,
      EXTRACTOR: MADE_UP_EXTRACTOR,
    },
  });
  workers.push(worker);
  return worker.url;
}

beforeAll(async () => {
  redis = await startRedisServer();
  gateway = await startSlowGateway();
  await gateway.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.stop()));
  await gateway?.close();
  await redis?.stop();
});

const records = new FeatureRecords(new RecordAuthenticator([ORIGIN_SECRET]));

/** Stores as many results of that length in Redis, as origins do; gives the hashes of their images. */
async function store(count: number, bytes: number): Promise<string[]> {
  const redisStore = createRedisStore(redis.url);
  const hashes = Array.from({ length: count }, () => randomBytes(32).toString('hex'));
  for (const sha256 of hashes) {
    const keypoints = Math.floor(bytes / BYTES_PER_KEYPOINT);
    const metadata = { ...metadataOfFlatImage, image: { ...metadataOfFlatImage.image, sha256 } };
    const payload = encodePayload(metadata, new Uint8Array(keypoints * BYTES_PER_KEYPOINT));
    const summary = { metadata, count: keypoints, expiresAt: Date.now() + 3_600_000 };
    await until('it is stored', async () => {
      const written = await records.write(summary, payload);
      return redisStore.set(written, 3_600).then(
        () => true,
        () => false,
      );
    });
  }
  redisStore.close();
  return hashes;
}

async function payloadFrom(edge: string, hash: string): Promise<Uint8Array<ArrayBuffer>> {
  const accept = SAFETENSORS_CONTENT_TYPE;
  const response = await fetch(`${edge}/api/v1/features/${hash}`, { headers: { accept } });
  expect([response.status, response.headers.get('x-cache')]).toEqual([200, 'HIT redis']);
  return new Uint8Array(await response.arrayBuffer());
}

/** The most look-ups that were under way together while these were got at the same time. */
async function mostTogether(edge: string, hashes: string[]): Promise<number> {
  most = 0;
  const payloads = await Promise.all(hashes.map((hash) => payloadFrom(edge, hash)));
  expect(payloads.map((payload) => decodePayload(payload).metadata.image.sha256)).toEqual(hashes);
  return most;
}

test('large payloads are read two at a time, small ones soon together again', async () => {
  const large = await store(4, 5.5 * 2 ** 20);
  const small = await store(26, 1000);
  const reader = await startEdge();
  await mostTogether(reader, large.slice(0, 1));
  expect(await mostTogether(reader, large)).toBe(2);
  for (const hash of small.slice(10)) await payloadFrom(reader, hash);
  expect(await mostTogether(reader, small.slice(0, 10))).toBe(10);
}, 120_000);
