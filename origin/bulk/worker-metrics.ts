import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { ExtractionPool, PoolObserver } from '../scheduler/pool.ts';
import type { Outcome } from './report.ts';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** How the work on a shard ended. */
export type ShardEnd = 'done' | 'done_before' | 'returned' | 'not_wanted';

export interface WorkerMetrics {
  registry: Registry;
  /** Counts the pool's events. */
  observer: PoolObserver;
  shardEnded(end: ShardEnd): void;
  imageEnded(outcome: Outcome): void;
}

export function createWorkerMetrics(): WorkerMetrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const shards = new Counter({
    name: 'edgesift_worker_shards_total',
    help: 'Shards by how their work ended: done, done_before (by another worker), returned (in trouble or stopping), not_wanted',
    labelNames: ['outcome'],
    registers,
  });
  const images = new Counter({
    name: 'edgesift_worker_images_total',
    help: 'Images by outcome: computed, cached, or an error code in lower case. Repeated work is counted again',
    labelNames: ['outcome'],
    registers,
  });
  const extraction = new Histogram({
    name: 'edgesift_worker_extraction_seconds',
    help: 'Time of decoding and SIFT of an image',
    buckets: SECONDS,
    registers,
  });
  const threadEnds = new Counter({
    name: 'edgesift_worker_thread_ends_total',
    help: 'Threads that ended by themselves and were replaced',
    registers,
  });
  return {
    registry,
    observer: {
      refused: () => undefined,
      abandoned: () => undefined,
      started: () => undefined,
      failed: () => undefined,
      completed: (_task, result) => {
        if (result.kind === 'extracted') extraction.observe((result.decodeMs + result.siftMs) / 1000);
      },
      threadEnded: () => threadEnds.inc(),
    },
    shardEnded: (outcome) => shards.inc({ outcome }),
    imageEnded: (outcome) => images.inc({ outcome: nameOf(outcome) }),
  };
}

/** Adds gauges that read the present state whenever the metrics are asked for. */
export function exposeWorkerState(
  registry: Registry,
  pool: ExtractionPool,
  isConnected: () => boolean,
): void {
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name: `edgesift_worker_${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  gauge('queue_connected', '1 while NATS can be reached, otherwise 0', () => Number(isConnected()));
  gauge('images_running', 'Images in extraction', () => pool.status.running);
  gauge('threads', 'Threads configured', () => pool.status.threads);
  gauge('memory_reserved_bytes', 'Estimated memory of what runs', () => pool.status.memoryReserved);
}

function nameOf(outcome: Outcome): string {
  if (outcome.status === 'failed') return outcome.code.toLowerCase();
  return outcome.cached ? 'cached' : 'computed';
}
