import { expect, test } from 'vitest';
import { createS3Client, S3Storage } from '../../origin/storage/s3.ts';
import { findFreePort } from '../fixtures/free-port.ts';
import { startS3Server } from '../fixtures/s3-server.ts';
import { failureOf } from './behaviours.ts';
import { worksWithS3 } from './s3-behaviours.ts';

worksWithS3(startS3Server, { isReal: false });

test('says that a server which is not there may come back', async () => {
  const endpoint = `http://127.0.0.1:${await findFreePort()}`;
  const storage = new S3Storage(createS3Client({ endpoint, region: 'us-east-1' }), 'images');
  expect(await failureOf(storage.get('key', { maxBytes: 1 }))).toBe('unavailable');
});
