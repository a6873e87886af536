import { setTimeout as sleep } from 'node:timers/promises';
import type { BulkStack } from '../../test/fixtures/bulk-stack.ts';
import { fillDisk } from './full-disk.ts';
import type { KeptWorker } from './workers.ts';

export interface Fault {
  name: string;
  /** Resolves when it is over. */
  cause(): Promise<void>;
}

export interface FaultSubjects {
  stack: BulkStack;
  workers: readonly [KeptWorker, KeptWorker, KeptWorker];
  /** Whether the third worker has mounts of its own. */
  canFillDisk: boolean;
  /** Folder that the jobs write to. */
  output: string;
  /** Ends and opens the way to the bucket. */
  bucket: { cut(): void; open(): void };
  /** How long what passes lasts; longer than a shard is kept for a silent worker. */
  lastsMs: number;
}

/** Everything that is to happen to jobs on their way, by name. */
export function faultsOf(subjects: FaultSubjects) {
  const { stack, workers, canFillDisk, output, bucket, lastsMs } = subjects;
  const [first, second, third] = workers;
  const fault = (name: string, cause: () => Promise<void>): Fault => ({ name, cause });
  return {
    killedWorker: fault('a worker is killed', () => first.process.kill()),
    frozenWorker: fault('a worker is frozen for longer than its shards are kept', async () => {
      second.process.pause();
      await sleep(lastsMs);
      second.process.resume();
    }),
    fullDisk: fault('the disk of a worker is full', async () => {
      if (!canFillDisk) return;
      const makeSpace = fillDisk(third.process.pid, output, stack.folder);
      await sleep(lastsMs);
      makeSpace();
    }),
    bucketAway: fault('the bucket cannot be reached', async () => {
      bucket.cut();
      await sleep(lastsMs);
      bucket.open();
    }),
    killedJobService: fault('the job service is killed', () => stack.restartJobService()),
    natsServerAway: fault('one NATS server is killed', async () => {
      const server = stack.natsServers.at(-1);
      await server?.kill();
      await sleep(lastsMs);
      await server?.restart();
    }),
    natsEmptied: fault('all NATS servers are killed and lose everything', async () => {
      await Promise.all(stack.natsServers.map((server) => server.kill()));
      await Promise.all(stack.natsServers.map((server) => server.restart({ emptied: true })));
    }),
  };
}
