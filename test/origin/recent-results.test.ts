import { afterAll, beforeAll, expect, test } from 'vitest';
import { decodePayload } from '../../shared/features/payload.ts';
import { ORIGIN_HEADERS } from '../../shared/origin-protocol.ts';
import { decodeSummary } from '../../shared/records/summary-text.ts';
import { ownImage } from '../fixtures/images.ts';
import { type OriginServer, startOriginServer } from '../fixtures/origin-server.ts';
import { readMetric } from '../fixtures/prometheus.ts';
import { type RedisServer, startRedisServer } from '../fixtures/redis-server.ts';
import { postForExtraction } from '../fixtures/signed-request.ts';

let redis: RedisServer;
let origin: OriginServer;
beforeAll(async () => {
  redis = await startRedisServer();
  origin = await startOriginServer({ REDIS_URL: redis.url });
});
afterAll(async () => {
  await origin?.stop();
  await redis?.stop();
});

test('a payload that is requested while its records are on their way to Redis is not computed again', async () => {
  const image = ownImage('jpeg-444.jpg');
  redis.pause();
  const ofSummary = await postForExtraction(origin, image, { headers: { accept: 'application/json' } });
  const ofPayload = await postForExtraction(origin, image);
  const jobs = await readMetric(origin, 'jobs_total{outcome="completed"}');
  redis.resume();
  const stored = decodeSummary(await ofSummary.text());
  const { metadata, features } = decodePayload(new Uint8Array(await ofPayload.arrayBuffer()));
  expect(stored?.summary).toMatchObject({ metadata, count: features.count });
  expect(ofSummary.headers.get(ORIGIN_HEADERS.serverTiming)).toContain('sift;dur=');
  expect(ofPayload.headers.get(ORIGIN_HEADERS.serverTiming)).toBeNull();
  expect(jobs).toBe(1);
});
