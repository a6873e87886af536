import { asServiceError, ServiceError } from '../../shared/contract/errors.ts';
import type { Task, TaskResult, VehicleModelFiles } from '../jobs/messages.ts';
import type { SiftEngine } from '../native/addon.ts';
import { JobQueue, type Queueable } from './queue.ts';
import type { ExtractionThread } from './thread.ts';
import { ThreadGroup } from './thread-group.ts';
import { Throughput } from './throughput.ts';
import { waitingMs } from './waiting-time.ts';

export interface PoolOptions {
  threads: number;
  /** What all running jobs together may take, in bytes. */
  memoryBytes: number;
  /** How many jobs may wait. */
  queueLength: number;
  /** Entry module of the threads. */
  script: URL;
  engine: SiftEngine;
  /** Files of the vehicle models, if there are any. */
  vehicleModels?: VehicleModelFiles | undefined;
  /** Longest time that a job may run, in milliseconds. */
  jobTimeoutMs: number;
}

/** A result, and how long its job waited. */
export type Completed<Result extends TaskResult = TaskResult> = Result & { queueMs: number };

/** The pool's events. */
export interface PoolObserver {
  refused(): void;
  /** The job is ended early: no caller waits any more (`reason` is that of its signal), or it ran for too long. */
  abandoned(state: 'queued' | 'running', reason: unknown): void;
  started(queueMs: number): void;
  completed(task: Task, result: TaskResult): void;
  failed(error: ServiceError): void;
  threadEnded(cause: Error): void;
}

export interface PoolStatus {
  queued: number;
  running: number;
  /** Bytes that the running jobs may take, by estimate, and what they may take at most. */
  memoryReserved: number;
  memoryBudget: number;
  threads: number;
  /** How many of the threads have warmed up. */
  threadsWarm: number;
}

/** What a job takes. */
export interface JobCost {
  /** While it runs. */
  memoryBytes: number;
  /** What its time is in proportion to: pixels of levels for an extraction, pairs of descriptors for a match. */
  work: number;
  /** About how much longer it takes than other jobs of that much work. */
  extraMs: number;
}

/** The client of a job. */
export interface JobOwner {
  /** Aborts when no caller waits any more. */
  signal: AbortSignal;
  /** The client whose fair share it counts for; the same for all unknown clients. */
  client: string;
  /** When the result is of no use any more, as `performance.now()` has it; undefined for never. */
  deadline?: number | undefined;
}

interface Job extends Readonly<JobCost>, Queueable {
  task: Task;
  queuedAt: number;
  completion: PromiseWithResolvers<Completed>;
}

interface RunningJob extends Job {
  startedAt: number;
  thread: ExtractionThread;
  /** Why it is to end early. */
  endedBy?: unknown;
  /** When its time was over. */
  overdueAt?: number;
}

/** After its cancellation a job ends within this time. OpenCV's extraction cannot be cancelled. */
const LONGEST_END_MS: Record<SiftEngine, number> = { edgesift: 5_000, opencv: 10 * 60_000 };
/** Jobs expected to run for longer leave one thread to others. */
const LARGE_JOB_MS = 4_000;
/** 5 Mpx/s with default parameters, which make six levels, as our engine does. */
const ASSUMED_LEVEL_PIXELS_PER_MS = 5_000 * 6;
/** As bench/results/2026-11-22-matching.md has it, verification included. */
const ASSUMED_COMPARISONS_PER_MS = 200_000;
/** The work of a classification is reckoned in milliseconds. */
const ASSUMED_CLASSIFICATION_MS_PER_MS = 1;

/**
 * Runs extractions and matches on worker threads, as many at once as the memory budget allows. Own code where piscina would
 * do otherwise: it admits by number of tasks, not by memory, and to cancel a task it kills the thread.
 *
 * A job whose callers have all left is dropped while it waits. Once it runs, it is cancelled, as is one that runs for
 * too long; it keeps its thread and its share of the memory until it returns, which our native code does at once.
 */
export class ExtractionPool {
  readonly #options: PoolOptions;
  readonly #observer: PoolObserver;
  readonly #threads: ThreadGroup;
  readonly #queue = new JobQueue<Job>();
  readonly #running = new Set<RunningJob>();
  readonly #throughput = {
    extract: new Throughput(ASSUMED_LEVEL_PIXELS_PER_MS),
    match: new Throughput(ASSUMED_COMPARISONS_PER_MS),
    classify: new Throughput(ASSUMED_CLASSIFICATION_MS_PER_MS),
  };

  constructor(options: PoolOptions, observer: PoolObserver) {
    this.#options = options;
    this.#observer = observer;
    const { engine, vehicleModels } = options;
    this.#threads = new ThreadGroup(options.script, { engine, vehicleModels }, options.threads, {
      idle: () => this.#dispatch(),
      ended: (cause) => observer.threadEnded(cause),
    });
  }

  /** Every thread has run a first extraction, and one of them lives. */
  get isReady(): boolean {
    return this.#threads.isReady;
  }

  get status(): PoolStatus {
    return {
      queued: this.#queue.length,
      running: this.#running.size,
      memoryReserved: this.#reservedBytes,
      memoryBudget: this.#options.memoryBytes,
      threads: this.#threads.size,
      threadsWarm: this.#threads.warm,
    };
  }

  /**
   * Whether every thread goes on long after the time of its job was over: native code hangs, and only a restart
   * helps. A job whose callers have left has as much time: not all decoding can be interrupted.
   */
  get isStalled(): boolean {
    if (this.#running.size < this.#threads.size) return false;
    const latest = performance.now() - LONGEST_END_MS[this.#options.engine];
    return this.#running.values().every(({ overdueAt }) => overdueAt !== undefined && overdueAt < latest);
  }

  /** When all that runs and waits now will be done, judged by the jobs done lately. */
  get estimatedWaitSeconds(): number {
    const jobs = [...this.#running, ...this.#queue];
    const ms = jobs.reduce((sum, { task, work, extraMs }) => sum + this.#estimatedMs(task, work, extraMs), 0);
    return ms / this.#threads.size / 1000;
  }

  /**
   * @param task its bytes are emptied when it starts: they move to the thread
   * @throws ServiceError `IMAGE_TOO_LARGE` for more memory than the whole budget, `OVERLOADED` when the queue is
   *   full or the job would wait for too long to be done in time, and what the extraction throws; or the signal's reason
   *   when it aborts before the job starts
   */
  async run(task: Task, cost: JobCost, { signal, client, deadline }: JobOwner): Promise<Completed> {
    signal.throwIfAborted();
    this.#checkMemory(cost.memoryBytes);
    const estimatedMs = this.#estimatedMs(task, cost.work, cost.extraMs);
    const isLarge = estimatedMs > LARGE_JOB_MS;
    this.#checkDeadline({ client, estimatedMs, isLarge }, deadline);
    if (this.#queue.length >= this.#options.queueLength) this.#displaceFor(client);
    const completion = Promise.withResolvers<Completed>();
    const job: Job = { task, ...cost, client, estimatedMs, isLarge, queuedAt: performance.now(), completion };
    this.#queue.add(job);
    const abandon = () => this.#abandon(job, signal.reason);
    signal.addEventListener('abort', abandon);
    this.#dispatch();
    return job.completion.promise.finally(() => signal.removeEventListener('abort', abandon));
  }

  /** Ends the threads; waits for native code that still runs. */
  close(): Promise<void> {
    return this.#threads.close();
  }

  get #reservedBytes(): number {
    return this.#running.values().reduce((sum, job) => sum + job.memoryBytes, 0);
  }

  #estimatedMs(task: Task, work: number, extraMs: number): number {
    return this.#throughput[task.kind].msFor(work) + extraMs;
  }

  /** At least one of several threads is left to jobs that are soon done. */
  get #allowsLarge(): boolean {
    const now = performance.now();
    const long = this.#running
      .values()
      .filter(({ isLarge, startedAt }) => isLarge || now - startedAt > LARGE_JOB_MS);
    return [...long].length < Math.max(1, this.#threads.size - 1);
  }

  /** @throws ServiceError `OVERLOADED` when no other client has more jobs waiting */
  #displaceFor(client: string): void {
    const displaced = this.#queue.displaceFor(client);
    if (!displaced) throw this.#overloaded();
    displaced.completion.reject(this.#overloaded());
  }

  /**
   * A job that need not wait is tried, however long it may take: the estimate can be wrong.
   *
   * @throws ServiceError `OVERLOADED`
   */
  #checkDeadline(
    job: Pick<Job, 'client' | 'estimatedMs' | 'isLarge'>,
    deadline = Number.POSITIVE_INFINITY,
  ): void {
    const waitMs = this.#waitMsFor(job);
    if (waitMs > 0 && performance.now() + waitMs + job.estimatedMs > deadline) throw this.#overloaded();
  }

  /** How long a new job would wait for a thread; 0 where one is free. */
  #waitMsFor({ client, isLarge }: Pick<Job, 'client' | 'isLarge'>): number {
    const now = performance.now();
    const { jobTimeoutMs } = this.#options;
    const running = Array.from(this.#running, (job) => ({
      // One that takes longer than it should may be done at any moment.
      ms: Math.max(0, Math.min(job.estimatedMs, jobTimeoutMs) - (now - job.startedAt)),
      isLarge: job.isLarge,
    }));
    const ahead = Array.from(this.#queue.ahead(client), (job) => ({
      ms: job.estimatedMs,
      isLarge: job.isLarge,
    }));
    return waitingMs({ running, ahead, threads: this.#threads.size }, isLarge);
  }

  #checkMemory(memoryBytes: number): void {
    const max = this.#options.memoryBytes;
    if (memoryBytes <= max) return;
    throw new ServiceError(
      'IMAGE_TOO_LARGE',
      'The image needs more memory than the server allows for one job.',
      {
        details: { limit: 'memory', max, actual: memoryBytes },
      },
    );
  }

  #overloaded(): ServiceError {
    this.#observer.refused();
    return new ServiceError('OVERLOADED', 'Too many jobs are waiting.', {
      retryAfterSeconds: this.estimatedWaitSeconds,
    });
  }

  #abandon(job: Job, reason: unknown): void {
    const running = this.#running.values().find(({ completion }) => completion === job.completion);
    if (running) {
      this.#endEarly(running, reason);
      return;
    }
    if (!this.#queue.remove(job)) return;
    this.#observer.abandoned('queued', reason);
    job.completion.reject(reason);
    // It may have been the one that the others waited behind.
    this.#dispatch();
  }

  #endEarly(job: RunningJob, reason: unknown): void {
    if (job.endedBy !== undefined) return;
    job.endedBy = reason;
    this.#observer.abandoned('running', reason);
    job.thread.cancel();
  }

  #dispatch(): void {
    for (;;) {
      const thread = this.#threads.take();
      if (!thread) return;
      const freeBytes = this.#options.memoryBytes - this.#reservedBytes;
      const job = this.#queue.next({ freeBytes, allowsLarge: this.#allowsLarge });
      if (!job) {
        this.#threads.giveBack(thread);
        return;
      }
      void this.#execute({ ...job, thread, startedAt: performance.now() });
    }
  }

  async #execute(job: RunningJob): Promise<void> {
    const { jobTimeoutMs } = this.#options;
    const overdue = setTimeout(() => {
      job.overdueAt = performance.now();
      this.#endEarly(job, tookTooLong(jobTimeoutMs));
    }, jobTimeoutMs);
    const queueMs = job.startedAt - job.queuedAt;
    this.#running.add(job);
    this.#observer.started(queueMs);
    try {
      const result = await job.thread.run(job.task);
      if (job.extraMs === 0) {
        this.#throughput[job.task.kind].record(job.work, performance.now() - job.startedAt);
      }
      this.#observer.completed(job.task, result);
      job.completion.resolve({ ...result, queueMs });
    } catch (thrown) {
      if (job.endedBy === undefined) this.#observer.failed(asServiceError(thrown));
      job.completion.reject(job.endedBy ?? asServiceError(thrown));
    } finally {
      clearTimeout(overdue);
      this.#running.delete(job);
      this.#threads.giveBack(job.thread);
      this.#dispatch();
    }
  }
}

function tookTooLong(limitMs: number): ServiceError {
  const message = `The job did not finish within ${limitMs} ms.`;
  return new ServiceError('SERVICE_TIMEOUT', message, { details: { limit_ms: limitMs } });
}
