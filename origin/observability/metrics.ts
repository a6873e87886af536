import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { ServiceError } from '../../shared/contract/errors.ts';
import type { UploadMemory } from '../http/upload-memory.ts';
import type { ExtractionPool, PoolObserver } from '../scheduler/pool.ts';
import { VehicleMetrics } from './vehicle-metrics.ts';

/** From a small image on an idle server to the longest that a caller waits. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export interface OriginMetrics {
  registry: Registry;
  /** Requests for extraction, by `outcome`: `ok`, `caller_gone`, or the error code in lower case. */
  requests: Counter<'outcome'>;
  /** Requests that joined a job under way. */
  joins: Counter;
  /** Results by what became of them on their way to Redis: `stored`, `failed` or `dropped`. */
  results: Counter<'outcome'>;
  /** What is predicted. */
  vehicles: VehicleMetrics;
  /** Counts the pool's events. */
  observer: PoolObserver;
}

export function createMetrics(): OriginMetrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });

  const requests = new Counter({
    name: 'edgesift_origin_requests_total',
    help: 'Requests for extraction, by outcome: ok, caller_gone, or the error code in lower case',
    labelNames: ['outcome'],
    registers,
  });
  const joins = new Counter({
    name: 'edgesift_origin_single_flight_joins_total',
    help: 'Requests that joined an extraction or a match under way for the same images and parameters',
    registers,
  });
  const jobs = new Counter({
    name: 'edgesift_origin_jobs_total',
    help: 'Extractions by outcome: completed, refused (queue full), dropped (no caller waited), or an error code',
    labelNames: ['outcome'],
    registers,
  });
  const abandoned = new Counter({
    name: 'edgesift_origin_jobs_abandoned_total',
    help: 'Jobs ended early, by state (queued, running) and reason (timeout, caller_gone)',
    labelNames: ['state', 'reason'],
    registers,
  });
  const wait = new Histogram({
    name: 'edgesift_origin_queue_wait_seconds',
    help: 'Time that extractions waited for a thread and memory',
    buckets: SECONDS,
    registers,
  });
  const decode = new Histogram({
    name: 'edgesift_origin_decode_seconds',
    help: 'Time from image file to pixels, by image format',
    labelNames: ['format'],
    buckets: SECONDS,
    registers,
  });
  const sift = new Histogram({
    name: 'edgesift_origin_sift_seconds',
    help: 'Time from pixels to feature payload',
    buckets: SECONDS,
    registers,
  });
  const match = new Histogram({
    name: 'edgesift_origin_match_seconds',
    help: 'Time from two feature payloads to their match',
    buckets: SECONDS,
    registers,
  });
  const classification = new Histogram({
    name: 'edgesift_origin_classify_seconds',
    help: 'Time from pixels to the classification of a vehicle',
    buckets: SECONDS,
    registers,
  });
  const threadsEnded = new Counter({
    name: 'edgesift_origin_thread_ends_total',
    help: 'Worker threads that ended by themselves and were replaced',
    registers,
  });

  const results = new Counter({
    name: 'edgesift_origin_results_total',
    help: 'Results on their way to Redis, by outcome: stored, failed, or dropped (too many waited, or Redis had failed)',
    labelNames: ['outcome'],
    registers,
  });

  const observer: PoolObserver = {
    refused: () => jobs.inc({ outcome: 'refused' }),
    abandoned: (state, reason) => {
      abandoned.inc({ state, reason: reason instanceof ServiceError ? 'timeout' : 'caller_gone' });
      if (state === 'queued') jobs.inc({ outcome: 'dropped' });
    },
    started: (queueMs) => wait.observe(queueMs / 1000),
    completed: (task, result) => {
      if (result.kind === 'matched') {
        match.observe(result.matchMs / 1000);
        return;
      }
      if (result.kind === 'classified') {
        const isShadow = task.kind === 'classify' && task.model === 'challenger';
        if (!isShadow) classification.observe(result.classifyMs / 1000);
        return;
      }
      jobs.inc({ outcome: 'completed' });
      sift.observe(result.siftMs / 1000);
      if (task.kind === 'extract') decode.observe({ format: task.header.format }, result.decodeMs / 1000);
    },
    failed: ({ code }) => jobs.inc({ outcome: code.toLowerCase() }),
    threadEnded: () => threadsEnded.inc(),
  };
  return { registry, requests, joins, results, vehicles: new VehicleMetrics(registry), observer };
}

/** Adds gauges that read the present state whenever the metrics are requested. */
export function exposeState(registry: Registry, pool: ExtractionPool, uploads: UploadMemory): void {
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name: `edgesift_origin_${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  gauge('jobs_queued', 'Extractions that wait', () => pool.status.queued);
  gauge('jobs_running', 'Extractions that run', () => pool.status.running);
  gauge('memory_reserved_bytes', 'Estimated memory of what runs', () => pool.status.memoryReserved);
  gauge('memory_budget_bytes', 'What memory_reserved_bytes cannot exceed', () => pool.status.memoryBudget);
  gauge('threads', 'Worker threads configured', () => pool.status.threads);
  gauge('threads_warm', 'Worker threads that have warmed up', () => pool.status.threadsWarm);
  gauge(
    'upload_bytes',
    'Image files in memory: being read, waiting or in extraction',
    () => uploads.reserved,
  );
  gauge('upload_budget_bytes', 'What upload_bytes cannot exceed', () => uploads.limit);
}
