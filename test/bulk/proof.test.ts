import { expect, test } from 'vitest';
import { proveJobs } from '../../bench/jobs/proof.ts';

// The short form of `npm run bench:jobs`: fewer images, and faults that come at the same time.
test('jobs end with every result, once and the same, under every fault on the way', async () => {
  const proof = await proveJobs({
    images: 150,
    inBucket: 40,
    sample: 150,
    shardImages: 10,
    ackWaitMs: 1_500,
    readMs: 300,
    isOneDeadly: false,
    groups: (faults) => [
      [faults.killedWorker, faults.bucketAway],
      [faults.frozenWorker, faults.natsServerAway],
      [faults.fullDisk, faults.killedJobService],
      [faults.natsEmptied],
    ],
    limitMs: 150_000,
    say: (text) => process.stdout.write(`${text}\n`),
  });
  expect(proof.compared).toBe(156);
  expect(proof.images).toBeGreaterThanOrEqual(386);
}, 300_000);
