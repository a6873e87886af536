import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MEMORY_PLAN } from '../../edge/memory-plan.ts';
import { BYTES_PER_KEYPOINT, decodePayload, encodePayload } from '../../shared/features/payload.ts';
import type { RunningWorker } from '../../tools/worker/run-worker.ts';
import { postImage } from '../fixtures/edge-client.ts';
import { newImage } from '../fixtures/images.ts';
import { ORIGIN_SECRET } from '../fixtures/origin-server.ts';
import { MADE_UP_EXTRACTOR, metadataOfRequestedImage } from '../fixtures/requested-image.ts';
import { until } from '../fixtures/until.ts';
import { startWorkerWithoutRedis } from '../fixtures/worker-without-redis.ts';

// How much of the responses of origins an isolate takes in at one time, seen from an origin whose large responses end when the
// test says so. What the edge leaves unread stays here, but for what fits into the buffers of the connection.
const WITH_PAYLOAD = { headers: { Accept: 'application/vnd.safetensors' } };

const MEBIBYTE = 1024 * 1024;
const keypointsOf = (mebibytes: number) => Math.floor((mebibytes * MEBIBYTE) / BYTES_PER_KEYPOINT);

let keypoints = 0;
/** Responses of which the edge has read all but the last byte, which is a zero. */
const taken: ServerResponse[] = [];
const origin = createServer((request, response) => {
  request.resume().once('end', () => {
    const tensors = new Uint8Array(keypoints * BYTES_PER_KEYPOINT);
    const payload = encodePayload(metadataOfRequestedImage(request), tensors);
    response.writeHead(200, { 'content-length': payload.length });
    response.write(payload.subarray(0, -1), () => taken.push(response));
  });
});
let edge: RunningWorker;

beforeAll(async () => {
  origin.listen(0, '127.0.0.1');
  await once(origin, 'listening');
  const { port } = origin.address() as AddressInfo;
  edge = await startWorkerWithoutRedis({
    url: `http://127.0.0.1:${port}`,
    secret: ORIGIN_SECRET,
    extractor: MADE_UP_EXTRACTOR,
  });
});
afterAll(async () => {
  await edge?.stop();
  origin.closeAllConnections();
  origin.close();
});

async function send(): Promise<number> {
  const response = await postImage(edge.url, await newImage(), WITH_PAYLOAD);
  if (!response.ok) throw new Error(await response.text());
  return decodePayload(new Uint8Array(await response.arrayBuffer())).features.count;
}

function finish(response: ServerResponse | undefined): void {
  response?.end(new Uint8Array(1));
}

test('of many large responses an isolate takes in two at one time, as it has room for, and the others in their turn', async () => {
  // Two fit into the room where payloads arrive, and three do not.
  expect(Math.floor(MEMORY_PLAN.budgets.payloads / (11 * MEBIBYTE))).toBe(2);
  const count = keypointsOf(11);
  keypoints = count;
  const responses = Array.from({ length: 6 }, send);
  await until('two are read', () => taken.length === 2);
  for (let done = 0; done < responses.length; done += 1) {
    await until('the next is read', () => taken.length > done);
    await sleep(300);
    // Once their size is known, their readers' room holds one, so that the last ones come one by one.
    expect(taken.length - done).toBeLessThanOrEqual(2);
    finish(taken[done]);
  }
  expect(await Promise.all(responses)).toEqual(responses.map(() => count));
});

test('a response larger than all of that room is taken in alone', async () => {
  taken.length = 0;
  const count = keypointsOf(40);
  keypoints = count;
  const responses = [send(), send()];
  for (const done of responses.keys()) {
    await until('the next is read', () => taken.length === done + 1);
    await sleep(300);
    expect(taken.length).toBe(done + 1);
    finish(taken[done]);
  }
  expect(await Promise.all(responses)).toEqual([count, count]);
});

test('the room of a response that breaks off is free again', async () => {
  taken.length = 0;
  keypoints = keypointsOf(30);
  for (let round = 0; round < 3; round += 1) {
    const broken = postImage(edge.url, await newImage(), WITH_PAYLOAD);
    await until('it is read', () => taken.length === round + 1);
    taken[round]?.destroy();
    expect((await broken).status).toBe(502);
  }
});
