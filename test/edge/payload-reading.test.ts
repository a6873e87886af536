import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRedisBackend } from '../../gateway/redis-backend.ts';
import { createGateway } from '../../gateway/server.ts';
import { BYTES_PER_KEYPOINT, decodePayload, encodePayload } from '../../shared/features/payload.ts';
import { SAFETENSORS_CONTENT_TYPE } from '../../shared/features/safetensors.ts';
import { ORIGIN_HEADERS } from '../../shared/origin-protocol.ts';
import { buildWorker } from '../../tools/worker/build-worker.ts';
import { type RunningWorker, startWorker } from '../../tools/worker/run-worker.ts';
import { postImage, readAnswer } from '../fixtures/edge-client.ts';
import { ORIGIN_SECRET } from '../fixtures/origin-server.ts';
import { newPicture } from '../fixtures/pictures.ts';
import { type RedisServer, startRedisServer } from '../fixtures/redis-server.ts';
import { until } from '../fixtures/until.ts';
import { flatFeatures } from '../formats/flat-features.ts';

// How many payloads an isolate has Redis send it at one time: seen from a gateway whose look-ups take a while.
const TOKEN = 'token';
const LOOK_UP_MS = 100;

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

/** Bytes of the payload that the origin answers every picture with, zeros but for what it says of the picture. */
let payloadBytes = 0;
const { metadata } = decodePayload(flatFeatures());
const origin = createServer((request, response) => {
  const digest = /^sha-256=:(.+):$/.exec(String(request.headers[ORIGIN_HEADERS.contentDigest]))?.[1] ?? '';
  const image = { ...metadata.image, sha256: Buffer.from(digest, 'base64').toString('hex') };
  const tensors = new Uint8Array(Math.floor(payloadBytes / BYTES_PER_KEYPOINT) * BYTES_PER_KEYPOINT);
  request.resume().once('end', () => response.end(encodePayload({ ...metadata, image }, tensors)));
});

let gateway: Awaited<ReturnType<typeof startSlowGateway>>;
const workers: RunningWorker[] = [];

async function startEdge(): Promise<string> {
  const { port } = origin.address() as AddressInfo;
  const worker = await startWorker({
    port: 0,
    log: 'ignore',
    env: {
      UPSTASH_REDIS_REST_URL: gateway.listeningOrigin,
      UPSTASH_REDIS_REST_TOKEN: TOKEN,
      REDIS_TIMEOUT_MS: '5000',
      ORIGIN_URL: `http://127.0.0.1:${port}`,
      ORIGIN_SECRET,
      EXTRACTOR: `${metadata.extractor.name}@${metadata.extractor.version}`,
    },
  });
  workers.push(worker);
  return worker.url;
}

beforeAll(async () => {
  origin.listen(0, '127.0.0.1');
  [redis] = await Promise.all([startRedisServer(), once(origin, 'listening'), buildWorker()]);
  gateway = await startSlowGateway();
  await gateway.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.stop()));
  await gateway?.close();
  await redis?.stop();
  origin.close();
});

/** Has an edge store as many results of that length in Redis; gives the hashes of their pictures. */
async function store(edge: string, count: number, bytes: number): Promise<string[]> {
  payloadBytes = bytes;
  const hashes: string[] = [];
  for (let done = 0; done < count; done += 1) {
    const { image } = await readAnswer(await postImage(edge, await newPicture()));
    hashes.push(image.sha256);
  }
  const found = (hash: string) => fetch(`${edge}/api/v1/features/${hash}?format=safetensors`);
  const isStored = async (hash: string) => (await found(hash)).status === 200;
  for (const hash of hashes) await until('it is stored', () => isStored(hash));
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

test('large payloads are read one after the other, small ones soon together again', async () => {
  const writer = await startEdge();
  const large = await store(writer, 4, 5.5 * 2 ** 20);
  const small = await store(writer, 26, 1000);
  const reader = await startEdge();
  await mostTogether(reader, large.slice(0, 1));
  expect(await mostTogether(reader, large)).toBe(1);
  for (const hash of small.slice(10)) await payloadFrom(reader, hash);
  expect(await mostTogether(reader, small.slice(0, 10))).toBe(10);
}, 120_000);
