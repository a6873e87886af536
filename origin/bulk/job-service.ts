import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { ServiceError } from '../../shared/contract/errors.ts';
import type { JobRequest, JobResponse } from '../../shared/contract/jobs.ts';
import { locationText, parseObjectLocation } from '../storage/location.ts';
import { StorageError } from '../storage/storage.ts';
import type { Stores } from '../storage/stores.ts';
import type { Web } from '../storage/web.ts';
import { shardOfReport } from './files.ts';
import { Job } from './job-record.ts';
import type { JobStore } from './job-store.ts';
import { readObject, writeJson } from './objects.ts';
import { planJob } from './planner.ts';
import type { ShardQueue } from './queue.ts';
import { countsOfReport, decodeReport } from './report.ts';
import { decodeShard, type Progress, type ShardEntry } from './shard.ts';
import { callWebhook } from './webhook.ts';

export interface JobServiceOptions {
  stores: Stores;
  queue: ShardQueue;
  store: JobStore;
  web: Web;
  logger: Logger;
  /** Images of a shard. */
  shardImages: number;
  /** How often the queue is compared with what is done. */
  reconcileMs: number;
  /** Signs webhooks; without it none can be requested. */
  webhookSecret: string | undefined;
}

const SAVE_MS = 1_000;
const WEBHOOK_ATTEMPTS = 8;
const WEBHOOK_FIRST_PAUSE_MS = 2_000;
const WRITE_ATTEMPTS_AT_ONCE = 16;

/**
 * All jobs: takes them in, cuts them into shards, watches over them until every shard has its report, and closes them.
 * One process runs it. When that is killed, the next one goes on from what is stored.
 */
export class JobService {
  readonly #options: JobServiceOptions;
  readonly #jobs = new Map<string, Job>();
  readonly #unsaved = new Set<Job>();
  readonly #watchers = new Map<string, Set<() => void>>();
  readonly #planning = new Map<string, AbortController>();
  readonly #closing = new AbortController();
  readonly #running: Promise<void>[] = [];
  #isReady = false;

  constructor(options: JobServiceOptions) {
    this.#options = options;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** Loads what there is and goes on with it, until {@link close}. */
  async start(): Promise<void> {
    const { store, queue, reconcileMs } = this.#options;
    await this.#untilDone('start', () => queue.ensure());
    const jobs = await this.#untilDone('load jobs', () => store.load());
    for (const job of jobs ?? []) this.#jobs.set(job.id, job);
    for (const job of this.#jobs.values()) {
      if (job.state === 'planning') void this.#plan(job);
      if (job.isFinal) void this.#callWebhook(job);
    }
    this.#isReady = true;
    void this.#listen();
    this.#running.push(
      this.#every(reconcileMs, () => this.#reconcileAll()),
      this.#every(SAVE_MS, () => this.#saveAll()),
    );
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('the job service stops'));
    await Promise.all(this.#running);
    await this.#saveAll().catch(() => undefined);
  }

  /** @throws ServiceError `INVALID_PARAMETER` when it cannot be done as requested, `SERVICE_NOT_READY` */
  async create(request: JobRequest): Promise<JobResponse> {
    this.#checkReady();
    if (request.webhook !== undefined && this.#options.webhookSecret === undefined) {
      throw new ServiceError('INVALID_PARAMETER', 'Webhooks are not configured on this service.', {
        details: { parameter: 'webhook' },
      });
    }
    const job = await this.#add(request, null);
    void this.#plan(job);
    return job.toResponse();
  }

  /** @throws ServiceError `NOT_FOUND` */
  get(id: string): JobResponse {
    return this.#find(id).toResponse();
  }

  /** Newest first. */
  list(limit: number, before?: string): { jobs: JobResponse[]; next: string | null } {
    this.#checkReady();
    const ids = [...this.#jobs.keys()].filter((id) => before === undefined || id < before);
    const page = ids.toSorted().toReversed().slice(0, limit);
    const jobs = page.flatMap((id) => this.#jobs.get(id)?.toResponse() ?? []);
    return { jobs, next: ids.length > page.length ? (page.at(-1) ?? null) : null };
  }

  /** Ends a job; what is in work is given up, what is done stays. Does nothing to a job that has ended. */
  async cancel(id: string): Promise<JobResponse> {
    const job = this.#find(id);
    if (job.isFinal) return job.toResponse();
    await this.#storing(() => writeJson(this.#options.stores, job.files.cancelled, { at: now() }));
    this.#planning.get(id)?.abort(new Error('cancelled'));
    job.state = 'cancelled';
    await this.#options.queue
      .purge(id)
      .catch((err) => this.#options.logger.warn({ err, job: id }, 'not purged'));
    await this.#finish(job);
    return job.toResponse();
  }

  /** A new job of the images that failed in one that has ended. @throws ServiceError `NOT_FOUND`, `INVALID_PARAMETER` */
  async retryFailed(id: string): Promise<JobResponse> {
    const failed = this.#find(id);
    if (!failed.isFinal) throw new ServiceError('INVALID_PARAMETER', 'The job has not ended yet.');
    if (failed.toResponse().images.failed === 0) {
      throw new ServiceError('INVALID_PARAMETER', 'No image of the job has failed.');
    }
    const job = await this.#add(failed.order.request, id);
    void this.#plan(job);
    return job.toResponse();
  }

  /** The job, and again at each change until it has ended. */
  async *follow(id: string, signal: AbortSignal): AsyncGenerator<JobResponse> {
    const job = this.#find(id);
    let wake = Promise.withResolvers<void>();
    const watcher = () => wake.resolve();
    const watchers = this.#watchers.get(id) ?? new Set();
    this.#watchers.set(id, watchers.add(watcher));
    signal.addEventListener('abort', watcher);
    this.#closing.signal.addEventListener('abort', watcher);
    try {
      while (!signal.aborted && !this.#closing.signal.aborted) {
        const { isFinal } = job;
        yield job.toResponse();
        if (isFinal) return;
        await wake.promise;
        wake = Promise.withResolvers();
      }
    } finally {
      watchers.delete(watcher);
      if (watchers.size === 0) this.#watchers.delete(id);
      signal.removeEventListener('abort', watcher);
      this.#closing.signal.removeEventListener('abort', watcher);
    }
  }

  async #add(request: JobRequest, retryOf: string | null): Promise<Job> {
    const id = `job-${Date.now().toString(36).padStart(9, '0')}-${randomBytes(4).toString('hex')}`;
    const job = Job.fromOrder({ id, created_at: now(), request, retry_of: retryOf });
    await this.#storing(() => this.#options.store.add(job));
    this.#jobs.set(id, job);
    this.#changed(job);
    return job;
  }

  #find(id: string): Job {
    this.#checkReady();
    const job = this.#jobs.get(id);
    if (job) return job;
    throw new ServiceError('NOT_FOUND', 'This job does not exist.', { details: { job: id.slice(0, 64) } });
  }

  #checkReady(): void {
    if (this.#isReady) return;
    throw new ServiceError('SERVICE_NOT_READY', 'The job service is starting.', { retryAfterSeconds: 2 });
  }

  async #storing<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      const message = `The output cannot be written: ${error.message}`;
      if (error.failure !== 'unavailable') {
        throw new ServiceError('INVALID_PARAMETER', message, {
          details: { parameter: 'output' },
          cause: error,
        });
      }
      throw new ServiceError('SERVICE_NOT_READY', message, { cause: error, retryAfterSeconds: 10 });
    }
  }

  async #plan(job: Job): Promise<void> {
    const { stores, shardImages, logger } = this.#options;
    const controller = new AbortController();
    this.#planning.set(job.id, controller);
    const signal = AbortSignal.any([controller.signal, this.#closing.signal]);
    const { retry_of, request } = job.order;
    try {
      await this.#untilDone(
        `plan ${job.id}`,
        async () => {
          const entries = retry_of === null ? undefined : this.#failedEntries(retry_of);
          const options = { request, files: job.files, stores, shardImages, signal };
          job.plan = await planJob({ ...options, ...(entries && { entries }) });
          job.state = 'running';
          this.#changed(job);
        },
        signal,
      );
      await this.#reconcileCarefully(job);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof StorageError))
        logger.error({ err: error, job: job.id }, 'a job cannot be planned');
      job.state = 'failed';
      job.message = error instanceof StorageError ? error.message : 'The job could not be planned.';
      await this.#finish(job);
    } finally {
      this.#planning.delete(job.id);
    }
  }

  async *#failedEntries(id: string): AsyncGenerator<ShardEntry> {
    const { stores } = this.#options;
    const { files, plan } = this.#find(id);
    for (let shard = 0; shard < (plan?.shards ?? 0); shard += 1) {
      const report = await readObject(stores, files.shardReport(shard));
      const entries = await readObject(stores, files.shard(shard));
      if (!report || !entries) continue;
      const rows = decodeReport(report);
      yield* decodeShard(entries).filter((_, index) => rows[index]?.isFailed);
    }
  }

  /** Compares what is done with what the queue holds, and hands out again what is in neither. */
  async #reconcile(job: Job): Promise<void> {
    if (job.state !== 'running' || job.plan === null) return;
    const { queue } = this.#options;
    // In this order: a shard that leaves the queue in between has its report by then.
    const present = await queue.present(job.id);
    const done = await this.#countReports(job);
    if (job.state !== 'running') return;
    if (job.allDone) {
      job.state = 'completed';
      return this.#finish(job);
    }
    const missing = Array.from({ length: job.plan.shards }, (_, shard) => shard).filter(
      (shard) => !present.has(shard) && !done.has(shard),
    );
    const attempt = Date.now().toString(36);
    const publish = async () => {
      for (let shard = missing.pop(); shard !== undefined; shard = missing.pop()) {
        await queue.publish({ job: job.id, shard, output: job.order.request.output }, attempt);
      }
    };
    await Promise.all(Array.from({ length: WRITE_ATTEMPTS_AT_ONCE }, publish));
  }

  /** @returns the shards whose reports are there, all of which are counted then */
  async #countReports(job: Job): Promise<ReadonlySet<number>> {
    const { stores } = this.#options;
    const { reports } = job.files;
    const storage = await stores.at(reports);
    const done = new Set<number>();
    try {
      for await (const key of storage.list(reports.key)) {
        const shard = shardOfReport(key);
        if (shard !== undefined) done.add(shard);
      }
    } catch (error) {
      if (!(error instanceof StorageError && error.failure === 'not_found')) throw error;
    }
    for (const shard of done) {
      if (job.isCounted(shard)) continue;
      const report = await readObject(stores, job.files.shardReport(shard));
      if (report && job.count(shard, countsOfReport(report))) this.#changed(job);
    }
    return done;
  }

  async #reconcileAll(): Promise<void> {
    for (const job of this.#jobs.values()) {
      if (job.state !== 'running') continue;
      await this.#reconcileCarefully(job);
    }
  }

  /** What goes wrong is done by the next round. */
  async #reconcileCarefully(job: Job): Promise<void> {
    await this.#reconcile(job).catch((err) => {
      this.#options.logger.warn({ err, job: job.id }, 'a job cannot be looked after at the moment');
    });
  }

  async #listen(): Promise<void> {
    for await (const progress of this.#options.queue.progress()) await this.#heed(progress);
  }

  async #heed({ job: id, shard, done, trouble, ...counts }: Progress): Promise<void> {
    const job = this.#jobs.get(id);
    if (job?.state !== 'running') return;
    job.message = trouble ?? null;
    if (done) job.count(shard, counts);
    else job.note(shard, counts);
    this.#changed(job);
    if (job.allDone) {
      await this.#reconcile(job).catch((err) =>
        this.#options.logger.warn({ err, job: id }, 'not closed yet'),
      );
    }
  }

  /** Writes how the job ended. Reports and summary first: when they exist, it is over. */
  async #finish(job: Job): Promise<void> {
    const { stores, logger } = this.#options;
    job.finishedAt ??= now();
    if (job.state === 'completed') job.message = null;
    this.#changed(job);
    const writing = async () => {
      if (job.plan) await writeJson(stores, job.files.report, await this.#report(job));
      await writeJson(stores, job.files.summary, { ...job.toResponse(), record: job.toRecord() });
    };
    await this.#untilDone(`close ${job.id}`, writing).catch((err) => {
      logger.error({ err, job: job.id }, 'the summary of a job cannot be written');
    });
    await this.#options.store.save(job).catch(() => this.#unsaved.add(job));
    logger.info({ job: job.id, state: job.state, ...job.toResponse().images }, 'a job has ended');
    void this.#callWebhook(job);
  }

  /** In the form of a report's manifest of S3 Batch Operations. */
  async #report(job: Job) {
    const { stores } = this.#options;
    const results: Record<string, string>[] = [];
    for (let shard = 0; shard < (job.plan?.shards ?? 0); shard += 1) {
      const location = job.files.shardReport(shard);
      const bytes = await readObject(stores, location);
      if (!bytes) continue;
      results.push({
        Bucket: location.bucket,
        MD5Checksum: createHash('md5').update(bytes).digest('hex'),
        Key: location.kind === 's3' ? location.key : locationText(location),
      });
    }
    return {
      Format: 'Report_CSV_20180820',
      ReportCreationDate: now(),
      Results: results,
      ReportSchema: 'Bucket, Key, VersionId, TaskStatus, ErrorCode, HTTPStatusCode, ResultMessage',
    };
  }

  async #callWebhook(job: Job): Promise<void> {
    const { web, webhookSecret: secret, logger, store } = this.#options;
    const { webhook: url } = job.order.request;
    if (url === undefined || secret === undefined || job.webhook.delivered) return;
    while (job.webhook.attempts < WEBHOOK_ATTEMPTS && !this.#closing.signal.aborted) {
      job.webhook.attempts += 1;
      try {
        job.webhook.delivered = await callWebhook(web, { url, secret, job: job.toResponse() });
      } catch (err) {
        logger.warn({ err, job: job.id }, 'a webhook cannot be reached');
      }
      await store.save(job).catch(() => this.#unsaved.add(job));
      if (job.webhook.delivered) return;
      await this.#pause(WEBHOOK_FIRST_PAUSE_MS * 2 ** (job.webhook.attempts - 1));
    }
  }

  #changed(job: Job): void {
    this.#unsaved.add(job);
    for (const watcher of this.#watchers.get(job.id) ?? []) watcher();
  }

  async #saveAll(): Promise<void> {
    for (const job of [...this.#unsaved]) {
      this.#unsaved.delete(job);
      await this.#options.store.save(job).catch(() => this.#unsaved.add(job));
    }
  }

  async #every(ms: number, work: () => Promise<void>): Promise<void> {
    while (!this.#closing.signal.aborted) {
      await work();
      await this.#pause(ms);
    }
  }

  /** Tries again while what is missing may come back. @throws what will not pass */
  async #untilDone<Result>(
    what: string,
    work: () => Promise<Result>,
    signal = this.#closing.signal,
  ): Promise<Result | undefined> {
    for (let pause = 500; !signal.aborted; pause = Math.min(pause * 2, 30_000)) {
      try {
        return await work();
      } catch (error) {
        if (error instanceof StorageError && error.failure !== 'unavailable') throw error;
        if (signal.aborted) throw error;
        this.#options.logger.warn({ err: error }, `cannot ${what} at the moment`);
        await this.#pause(pause);
      }
    }
    return undefined;
  }

  #pause(ms: number): Promise<void> {
    return sleep(ms, undefined, { signal: this.#closing.signal }).catch(() => undefined);
  }
}

function now(): string {
  return new Date().toISOString();
}

/** @throws StorageError `invalid` for locations of a request that cannot be read */
export function checkLocations({ source, output }: JobRequest): void {
  for (const text of [source.prefix, source.manifest, output]) {
    if (text !== undefined) parseObjectLocation(text);
  }
}
