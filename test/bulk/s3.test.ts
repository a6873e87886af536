import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createS3Client, S3Storage } from '../../origin/storage/s3.ts';
import { decodePayload } from '../../shared/features/payload.ts';
import { type BulkStack, startBulkStack } from '../fixtures/bulk-stack.ts';
import { newImage } from '../fixtures/images.ts';
import { type S3Server, startS3Server } from '../fixtures/s3-server.ts';
import { startSwiftServer, swiftMissing } from '../fixtures/swift-server.ts';
import { IS_THOROUGH } from '../fixtures/thorough.ts';

const isThorough = IS_THOROUGH && !swiftMissing('bulk jobs on OpenStack Swift');
const SERVERS = [
  { name: 's3rver', start: () => startS3Server(), isWanted: true },
  { name: 'OpenStack Swift', start: startSwiftServer, isWanted: isThorough },
];

describe.each(SERVERS.filter(({ isWanted }) => isWanted))('a job over a bucket of $name', ({ start }) => {
  let server: S3Server;
  let stack: BulkStack;
  let storage: S3Storage;
  const names = ['a.png', 'sub/b.png', 'sub/c d.png'];
  const at = (key: string) => `s3://${server.bucket}/${key}`;

  beforeAll(async () => {
    server = await start();
    Object.assign(process.env, server.credentials);
    storage = new S3Storage(
      createS3Client({ endpoint: server.endpoint, region: 'us-east-1' }),
      server.bucket,
    );
    for (const name of names) await storage.put(`images/${name}`, await newImage(96, 72), 'image/png');
    await storage.put('images/notes.txt', new TextEncoder().encode('no image'), 'text/plain');
    stack = await startBulkStack({
      JOBS_S3: 'true',
      JOBS_S3_ENDPOINT: server.endpoint,
      JOBS_INDEX: at('index/'),
      JOBS_FOLDERS: '',
      JOBS_SHARD_IMAGES: '2',
      ...server.credentials,
    });
    await stack.startWorker();
  });
  afterAll(async () => {
    await stack?.stop();
    await server?.stop();
    for (const name of Object.keys(server?.credentials ?? {})) delete process.env[name];
  });

  test('reads a prefix and writes results and reports to another', async () => {
    const { id } = await stack.create({
      source: { prefix: at('images/') },
      output: at('features/'),
      formats: ['colmap'],
    });
    const ended = await stack.untilEnded(id);
    expect(ended).toMatchObject({
      state: 'completed',
      images: { total: 3, succeeded: 3, failed: 0, cached: 0 },
      shards: { total: 2, done: 2 },
    });
    const keys = await Array.fromAsync(storage.list('features/'));
    expect(keys.filter((key) => !key.includes('/_edgesift/')).toSorted()).toEqual(
      names.flatMap((name) => [`features/${name}.safetensors`, `features/${name}.txt`]).toSorted(),
    );
    const payload = await storage.get('features/sub/c d.png.safetensors', { maxBytes: 2 ** 24 });
    expect(decodePayload(payload).metadata.image).toMatchObject({ width: 96, height: 72 });
    const report = await storage.get(`features/_edgesift/${id}/reports/00000000.csv`, { maxBytes: 2 ** 20 });
    expect(new TextDecoder().decode(report)).toContain(`${server.bucket},images/a.png,,succeeded,,200,`);

    const again = await stack.create({ source: { prefix: at('images/') }, output: at('features/') });
    expect((await stack.untilEnded(again.id)).images).toMatchObject({ succeeded: 3, cached: 3 });

    // What NATS knew of the jobs is made again from the bucket.
    await stack.nats.restart({ emptied: true });
    await stack.restartJobService();
    expect(await stack.job(id)).toEqual(ended);
  });

  test('fails with a reason where the bucket does not exist', async () => {
    const { id } = await stack.create({
      source: { prefix: 's3://no-such-bucket/images/' },
      output: at('features-2/'),
    });
    const ended = await stack.untilEnded(id);
    expect(ended.state).toBe('failed');
    expect(ended.message).toContain('s3://no-such-bucket/images/');
  });
});
