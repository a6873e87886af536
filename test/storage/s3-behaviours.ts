import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createS3Client, S3Storage } from '../../origin/storage/s3.ts';
import type { S3Server } from '../fixtures/s3-server.ts';
import { behavesAsStorage, failureOf } from './behaviours.ts';

/** What our client does with a server that speaks S3, and with one that is real in pages and signatures too. */
export function worksWithS3(start: () => Promise<S3Server>, { isReal = true } = {}): void {
  let server: S3Server;
  let storage: S3Storage;

  const open = (bucket: string) =>
    new S3Storage(createS3Client({ endpoint: server.endpoint, region: 'us-east-1' }), bucket);

  beforeAll(async () => {
    server = await start();
    for (const [name, value] of Object.entries(server.credentials)) vi.stubEnv(name, value);
    storage = open(server.bucket);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await server?.stop();
  });

  behavesAsStorage(() => ({ storage, prefix: 'behaviours/' }));

  test.runIf(isReal)('lists more objects than one page holds', async () => {
    const names = Array.from({ length: 1030 }, (_, index) => `pages/${String(index).padStart(5, '0')}`);
    const waiting = [...names];
    await Promise.all(
      Array.from({ length: 16 }, async () => {
        for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
          await storage.put(name, new Uint8Array(1), 'text/plain');
        }
      }),
    );
    expect(await Array.fromAsync(storage.list('pages/'))).toEqual(names);
  });

  test('finds out with one request which of many objects are not there', async () => {
    for (const name of ['0', '2', '2.txt', '4'])
      await storage.put(`some/${name}`, new Uint8Array(1), 'text/plain');
    const keys = ['some/3', 'some/1', 'some/2', 'some/4'];
    expect(await storage.absent(keys)).toEqual(new Set(['some/1', 'some/3']));
    expect(await storage.absent(['some/4'])).toEqual(new Set());
    expect(await storage.absent(['some/5'])).toEqual(new Set(['some/5']));
    await storage.put('some/😀', new Uint8Array(1), 'text/plain');
    expect(await storage.absent(['some/😀', 'some/😁'])).toEqual(new Set(['some/😁']));
    expect(await open('no-such-bucket').absent(keys)).toEqual(new Set());
  });

  test('distinguishes what is missing from what is forbidden', async () => {
    const get = (from: S3Storage) => from.get('key', { maxBytes: 1 });
    expect(await failureOf(get(open('no-such-bucket')))).toBe('not_found');
    if (!isReal) return;
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'wrong');
    try {
      expect(await failureOf(get(open(server.bucket)))).toBe('forbidden');
    } finally {
      vi.stubEnv('AWS_SECRET_ACCESS_KEY', server.credentials.AWS_SECRET_ACCESS_KEY);
    }
  });
}
