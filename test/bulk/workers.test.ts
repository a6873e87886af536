import { createHmac } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import path from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { KeptWorker } from '../../bench/jobs/workers.ts';
import { jobResponseSchema } from '../../shared/contract/jobs.ts';
import { decodePayload } from '../../shared/features/payload.ts';
import { FeatureRecords } from '../../shared/records/feature-records.ts';
import { RecordAuthenticator } from '../../shared/records/record-authenticator.ts';
import { fromRoot } from '../../tools/project-root.ts';
import { type BulkProcess, type BulkStack, startBulkStack } from '../fixtures/bulk-stack.ts';
import { findFreePort } from '../fixtures/free-port.ts';
import { CERTIFICATE, type HttpsServer, startHttpsServer } from '../fixtures/https-server.ts';
import { newImage } from '../fixtures/images.ts';
import { ORIGIN_SECRET } from '../fixtures/origin-server.ts';
import { type RedisServer, startRedisServer } from '../fixtures/redis-server.ts';
import { until } from '../fixtures/until.ts';

const WEBHOOK_SECRET = 'the secret of webhooks in tests';

interface Delivery {
  headers: IncomingMessage['headers'];
  body: string;
}

let stack: BulkStack;
let receiver: HttpsServer;
let redis: RedisServer;
const deliveries: Delivery[] = [];

beforeAll(async () => {
  receiver = await startHttpsServer(async (request, response) => {
    const body = (await request.setEncoding('utf8').toArray()).join('');
    deliveries.push({ headers: request.headers, body });
    response.writeHead(deliveries.length === 1 ? 503 : 204).end();
  });
  redis = await startRedisServer();
  const certificate = path.join(await mkdirTemporary(), 'ca.pem');
  await writeFile(certificate, CERTIFICATE);
  stack = await startBulkStack({
    JOBS_WEBHOOK_SECRET: WEBHOOK_SECRET,
    JOBS_PRIVATE_NETWORKS: '127.0.0.0/8, ::1/128',
    NODE_EXTRA_CA_CERTS: certificate,
    JOBS_ACK_WAIT_MS: '400',
  });
});
afterAll(async () => {
  await stack?.stop();
  await redis?.stop();
  await receiver?.stop();
});

async function mkdirTemporary(): Promise<string> {
  const folder = fromRoot('build', 'test-certificates');
  await mkdir(folder, { recursive: true });
  return folder;
}

const inFolder = (...names: string[]) => path.join(stack.folder, ...names);

async function makeImages(folder: string, names: readonly string[]): Promise<void> {
  await mkdir(inFolder(folder), { recursive: true });
  for (const name of names) await writeFile(inFolder(folder, name), await newImage(96, 72));
}

async function rowsOf(output: string, job: string): Promise<string> {
  const reports = inFolder(output, '_edgesift', job, 'reports');
  const names = (await readdir(reports)).toSorted();
  return (await Promise.all(names.map((name) => readFile(path.join(reports, name), 'utf8')))).join('');
}

test('calls the webhook of a job that has ended, signed, and again where it fails', async () => {
  const { id } = await stack.create({
    source: { images: [] },
    output: inFolder('none'),
    webhook: `${receiver.url}/hook`,
  });
  await until('the webhook was called twice', () => deliveries.length === 2);
  const [first, second] = deliveries;
  expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
  for (const { headers, body } of deliveries) {
    const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
    const signature = createHmac('sha256', WEBHOOK_SECRET).update(signed).digest('base64');
    expect(headers['webhook-signature']).toBe(`v1,${signature}`);
    expect(Math.abs(Date.now() / 1000 - Number(headers['webhook-timestamp']))).toBeLessThan(60);
    const message = JSON.parse(body);
    expect(message.type).toBe('job.completed');
    expect(jobResponseSchema.parse(message.data)).toMatchObject({ id, state: 'completed' });
  }
});

test('an image that ends every worker fails with its reason, and the others have results', async () => {
  // In two shards, which the worker has at the same time.
  const good = ['0.png', '1.png', '2.png', '3.png', '4.png', '5.png', '6.png', '7.png'];
  await makeImages('with-poison', [...good, 'poison.png']);
  const worker = await KeptWorker.start(stack, {
    NODE_OPTIONS: `--import=${fromRoot('test', 'fixtures', 'worker-preload.ts')}`,
    DEADLY_READS: '/poison.png',
  });
  try {
    const { id } = await stack.create({
      source: { prefix: inFolder('with-poison') },
      output: inFolder('without-poison'),
    });
    const ended = await stack.untilEnded(id, 200_000);
    expect(ended).toMatchObject({ state: 'completed', images: { total: 9, succeeded: 8, failed: 1 } });
    expect(worker.ends).toBeGreaterThan(1);
    const failed = (await rowsOf('without-poison', id)).split('\n').filter((row) => row.includes('failed'));
    expect(failed).toHaveLength(1);
    expect(failed[0]).toContain('/poison.png,,failed,INTERNAL_SERVER_ERROR,500,The image crashed its worker');
  } finally {
    worker.release();
    await worker.process.kill();
  }
}, 250_000);

test('takes results from Redis that a holder of the secret has stored, and no others', async () => {
  await makeImages('cached', ['trusted.png', 'forged.png']);
  const job = async (output: string) => {
    const { id } = await stack.create({ source: { prefix: inFolder('cached') }, output: inFolder(output) });
    return stack.untilEnded(id);
  };
  const port = String(await findFreePort());
  let worker: BulkProcess = await stack.startWorker();
  expect((await job('computed')).images).toMatchObject({ succeeded: 2, cached: 0 });
  await worker.stop();

  const client = new Redis(redis.url);
  const store = async (name: string, secret: string) => {
    const payload = new Uint8Array(await readFile(inFolder('computed', `${name}.safetensors`)));
    const { metadata, features } = decodePayload(payload);
    const summary = { metadata, count: features.count, expiresAt: Date.now() + 60_000 };
    const records = new FeatureRecords(new RecordAuthenticator([secret]));
    for (const [key, value] of await records.write(summary, payload)) {
      await client.set(key, typeof value === 'string' ? value : Buffer.from(value));
    }
  };
  await store('trusted.png', ORIGIN_SECRET);
  await store('forged.png', 'another secret with 32 characters and more');
  client.disconnect();

  worker = await stack.startWorker({ REDIS_URL: redis.url, WORKER_PORT: port });
  expect((await job('looked-up')).images).toMatchObject({ succeeded: 2, cached: 1 });
  for (const name of ['trusted.png.safetensors', 'forged.png.safetensors']) {
    expect(await readFile(inFolder('looked-up', name))).toEqual(await readFile(inFolder('computed', name)));
  }

  const get = async (where: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${where}`);
    return [response.status, await response.text()] as const;
  };
  expect(await get('/health/live')).toEqual([200, '{"status":"live"}']);
  expect(await get('/health/ready')).toEqual([200, '{"status":"ready"}']);
  const [, metrics] = await get('/metrics');
  expect(metrics).toContain('edgesift_worker_images_total{outcome="cached"} 1\n');
  expect(metrics).toContain('edgesift_worker_images_total{outcome="computed"} 1\n');
  expect(metrics).toContain('edgesift_worker_shards_total{outcome="done"} 1\n');
  expect(metrics).toContain('edgesift_worker_queue_connected 1\n');
  for (const line of worker.log) expect(line.match(/"service":"worker"/g), line).toHaveLength(1);

  // Without Redis everything is computed, and nothing fails.
  await redis.stop();
  expect((await job('without-redis')).images).toMatchObject({ succeeded: 2, cached: 0 });
  await stack.nats.kill();
  await until('the worker says that it has no queue', async () => (await get('/health/ready'))[0] === 503);
  expect((await get('/health/live'))[0]).toBe(200);
  await stack.nats.restart();
  await until('the worker is ready again', async () => (await get('/health/ready'))[0] === 200);
}, 120_000);
