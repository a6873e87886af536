import { setTimeout as sleep } from 'node:timers/promises';
import type { Consumer, JsMsg } from '@nats-io/jetstream';
import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import * as z from 'zod';
import { statusOf } from '../../shared/contract/errors.ts';
import { parseJson } from '../../shared/features/safetensors.ts';
import { type ObjectLocation, parseObjectLocation } from '../storage/location.ts';
import { StorageError } from '../storage/storage.ts';
import { JobFiles } from './files.ts';
import {
  extractImage,
  type ImageJobDependencies,
  type ImageJobPlan,
  type ImageShardPlan,
  imageJobPlan,
  imageShardPlan,
  StorageInTrouble,
} from './image-job.ts';
import { jobOrderSchema } from './job-record.ts';
import { objectExists, readJson, readObject, writeJson } from './objects.ts';
import type { ShardQueue } from './queue.ts';
import { countsOf, countsOfReport, encodeReport, type Failure, type Outcome } from './report.ts';
import { decodeShard, type ShardEntry, type Ticket, ticketSchema } from './shard.ts';
import { Slots } from './slots.ts';
import type { ShardEnd, WorkerMetrics } from './worker-metrics.ts';

export interface ShardWorkerOptions extends ImageJobDependencies {
  queue: ShardQueue;
  logger: Logger;
  ackWaitMs: number;
  /** Images in work at the same time, over all shards. */
  slots: Slots;
  metrics: Pick<WorkerMetrics, 'shardEnded' | 'imageEnded'>;
}

interface Shard {
  ticket: Ticket;
  files: JobFiles;
  plan: ImageShardPlan;
  entries: readonly ShardEntry[];
  /** How often it was handed out, this time included. */
  deliveries: number;
  /** Lets the next shard be taken; to be called when the images of this one are in line. */
  letOthersTake: () => void;
}

/**
 * The next shard is taken shortly before the last images of one begin: threads are never without work, and no shard waits
 * here that another worker could begin.
 */
const LANES = 2;
/** Images that still wait then; for longer than a shard takes to begin. */
const IMAGES_AHEAD = 8;
const FETCH_MS = 2_000;
/** The client keeps its own limit, except for a request whose server was lost meanwhile. */
const LONGEST_FETCH_MS = 5 * FETCH_MS;
const PAUSE_MS = 1_000;
/** A worker that is alone with a shard keeps it this long for a storage that is unavailable. */
const ACQUIT_MS = 60_000;
/** A shard that this worker could not do goes to another one soon, in case that only this worker is in trouble. */
const RETURN_MS = 1_000;
/** A worker in trouble takes shards ever more slowly, so that it does not draw them from workers that are well. */
const FIRST_TROUBLE_PAUSE_MS = 1_000;
const LONGEST_TROUBLE_PAUSE_MS = 30_000;
/** Handed out more often than this, a shard may hold an image that ends its workers. */
const CAREFUL_FROM_DELIVERY = 3;
/** So often may an image have been in work alone when its worker ended. */
const DEATHS_OF_A_SUSPECT = 2;
const TELL_EVERY_MS = 1_000;
const JOBS_KEPT = 100;

const suspectsSchema = z.record(z.string(), z.int());

/** The job was cancelled, or is no more. */
class NotWanted extends Error {
  override readonly name = 'NotWanted';
}

/**
 * Takes shards from the queue and makes the results of their images. A shard is given back only when its report is
 * written; if a worker ends before that, another one does the shard again, and finds the results that exist.
 */
export class ShardWorker {
  readonly #options: ShardWorkerOptions;
  readonly #stopping = new AbortController();
  readonly #plans = new LRUCache<string, ImageJobPlan>({ max: JOBS_KEPT });
  /** One lane at a time takes a shard: it has to know how many images wait. */
  readonly #taking = new Slots(1);
  #lanes: Promise<unknown> | undefined;

  constructor(options: ShardWorkerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#lanes = Promise.all(Array.from({ length: LANES }, () => this.#lane()));
  }

  /** Takes no more shards, gives those in work back at once, and resolves when that is done. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the worker stops'));
    await this.#lanes;
  }

  async #lane(): Promise<void> {
    let consumer: Consumer | undefined;
    let troublePauseMs = FIRST_TROUBLE_PAUSE_MS;
    while (!this.#stopping.signal.aborted) {
      const letOthersTake = await this.#taking.take();
      try {
        await this.#options.slots.untilFewWait(IMAGES_AHEAD);
        if (this.#stopping.signal.aborted) return;
        consumer ??= await this.#options.queue.consumer();
        const message = await nextOf(consumer);
        if (!message) continue;
        if (await this.#handle(message, letOthersTake)) {
          troublePauseMs = FIRST_TROUBLE_PAUSE_MS;
          continue;
        }
        letOthersTake();
        await this.#pause(troublePauseMs);
        troublePauseMs = Math.min(2 * troublePauseMs, LONGEST_TROUBLE_PAUSE_MS);
      } catch (err) {
        this.#options.logger.warn({ err }, 'the queue cannot be reached at the moment');
        consumer = undefined;
        letOthersTake();
        await this.#pause(PAUSE_MS);
      } finally {
        letOthersTake();
      }
    }
  }

  #pause(ms: number): Promise<void> {
    return sleep(ms, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
  }

  /** @returns false when what the worker itself needs is in trouble */
  async #handle(message: JsMsg, letOthersTake: () => void): Promise<boolean> {
    const ticket = ticketSchema.safeParse(parseJson(message.string()));
    if (!ticket.success) {
      message.term('no ticket');
      return true;
    }
    const { logger, ackWaitMs, metrics } = this.#options;
    const { job, shard } = ticket.data;
    const notWanted = new AbortController();
    const files = new JobFiles(parseObjectLocation(ticket.data.output), job);
    const heartbeat = setInterval(() => {
      message.working();
      void this.#endIfCancelled(files, notWanted);
    }, ackWaitMs / 3);
    try {
      const signal = AbortSignal.any([this.#stopping.signal, notWanted.signal]);
      const delivery = { deliveries: message.info.deliveryCount, letOthersTake };
      metrics.shardEnded(await this.#work(ticket.data, files, delivery, signal));
      message.ack();
      return true;
    } catch (error) {
      if (error instanceof NotWanted) {
        message.term('not wanted');
        metrics.shardEnded('not_wanted');
        return true;
      }
      metrics.shardEnded('returned');
      if (this.#stopping.signal.aborted) {
        message.nak();
        return true;
      }
      message.nak(RETURN_MS);
      logger.warn({ err: error, job, shard }, 'a shard has to wait');
      this.#tellTrouble(ticket.data, error);
      return false;
    } finally {
      clearInterval(heartbeat);
    }
  }

  async #endIfCancelled(files: JobFiles, notWanted: AbortController): Promise<void> {
    const isCancelled = await objectExists(this.#options.stores, files.cancelled).catch(() => false);
    if (isCancelled) notWanted.abort(new NotWanted('cancelled'));
  }

  #tellTrouble({ job, shard }: Ticket, error: unknown): void {
    const isOfStorage = error instanceof StorageInTrouble || error instanceof StorageError;
    const trouble = isOfStorage ? error.message : 'A shard failed and will be tried again.';
    this.#options.queue.tell({ job, shard, succeeded: 0, failed: 0, cached: 0, done: false, trouble });
  }

  async #work(
    ticket: Ticket,
    files: JobFiles,
    delivery: Pick<Shard, 'deliveries' | 'letOthersTake'>,
    signal: AbortSignal,
  ): Promise<ShardEnd> {
    const { stores, queue } = this.#options;
    const { job, shard } = ticket;
    const report = files.shardReport(shard);
    const [earlier, isCancelled, lines, jobPlan] = await Promise.all([
      readObject(stores, report),
      objectExists(stores, files.cancelled),
      readObject(stores, files.shard(shard)),
      this.#planOf(ticket, files),
    ]);
    if (earlier) {
      queue.tell({ job, shard, ...countsOfReport(earlier), done: true });
      return 'done_before';
    }
    if (isCancelled) throw new NotWanted('cancelled');
    if (!lines) throw new NotWanted('there is no such shard');
    const entries = decodeShard(lines);
    const plan = await imageShardPlan(entries, jobPlan, this.#options);
    const outcomes = await this.#outcomes({ ticket, files, plan, entries, ...delivery }, signal);
    const storage = await stores.at(report);
    for (const outcome of outcomes) this.#options.metrics.imageEnded(outcome);
    // The first report stays, also where a worker that was taken for dead comes later: the job may have ended with it.
    if (await storage.putNew(report.key, encodeReport(entries, outcomes), 'text/csv')) {
      queue.tell({ job, shard, ...countsOf(outcomes), done: true });
      return 'done';
    }
    const first = await readObject(stores, report);
    if (first) queue.tell({ job, shard, ...countsOfReport(first), done: true });
    return 'done_before';
  }

  async #planOf({ job }: Ticket, files: JobFiles): Promise<ImageJobPlan> {
    const known = this.#plans.get(job);
    if (known) return known;
    const order = await readJson(this.#options.stores, files.request, jobOrderSchema);
    if (!order) throw new NotWanted('there is no such job');
    const plan = imageJobPlan(order.request, parseObjectLocation(order.request.output));
    this.#plans.set(job, plan);
    return plan;
  }

  /** In the order of the entries. @throws the first that ends the shard, when no image is in work any more */
  async #outcomes(shard: Shard, signal: AbortSignal): Promise<Outcome[]> {
    if (shard.deliveries >= CAREFUL_FROM_DELIVERY) return this.#outcomesAlone(shard, signal);
    const failing = new AbortController();
    const either = AbortSignal.any([signal, failing.signal]);
    const outcomes: (Outcome | undefined)[] = shard.entries.map(() => undefined);
    const tell = this.#teller(shard.ticket);
    const images = shard.entries.map(async (entry, index) => {
      const release = await this.#options.slots.take();
      try {
        either.throwIfAborted();
        outcomes[index] = await this.#outcomeOf(entry, shard.plan, either);
        tell(outcomes);
      } catch (error) {
        failing.abort(error);
      } finally {
        release();
      }
    });
    shard.letOthersTake();
    await Promise.all(images);
    either.throwIfAborted();
    return outcomes.filter((outcome) => outcome !== undefined);
  }

  /** With nothing else in work: what ends the worker now is an image of this shard. */
  async #outcomesAlone(shard: Shard, signal: AbortSignal): Promise<Outcome[]> {
    const turn = this.#options.slots.takeAll();
    shard.letOthersTake();
    const release = await turn;
    try {
      return await this.#outcomesOneByOne(shard, signal);
    } finally {
      release();
    }
  }

  /** Finds out which image ends its worker: before each, it is written down which one is in work. */
  async #outcomesOneByOne({ files, ticket, plan, entries }: Shard, signal: AbortSignal): Promise<Outcome[]> {
    const { stores } = this.#options;
    const location = files.suspects(ticket.shard);
    const suspects = (await readJson(stores, location, suspectsSchema)) ?? {};
    const outcomes: Outcome[] = [];
    const tell = this.#teller(ticket);
    let isMarked = false;
    try {
      for (const [index, entry] of entries.entries()) {
        signal.throwIfAborted();
        const before = suspects[index] ?? 0;
        if (before >= DEATHS_OF_A_SUSPECT) {
          outcomes.push(ENDED_A_WORKER);
          continue;
        }
        await writeJson(stores, location, { ...suspects, [index]: before + 1 });
        isMarked = true;
        outcomes.push(await this.#outcomeOf(entry, plan, signal));
        delete suspects[index];
        tell(outcomes);
      }
      return outcomes;
    } finally {
      if (isMarked) await this.#acquit(location, suspects);
    }
  }

  /**
   * The worker is alive, so the image in work did not end it. The shard is kept until that is written down. Other jobs
   * wait for it, so a storage that stays unavailable is given up after a while, and one that refuses at once.
   */
  async #acquit(location: ObjectLocation, suspects: Record<string, number>): Promise<void> {
    const giveUpAt = Date.now() + ACQUIT_MS;
    for (;;) {
      try {
        await writeJson(this.#options.stores, location, suspects);
        return;
      } catch (err) {
        const canPass = err instanceof StorageError && err.failure === 'unavailable';
        if (!canPass || this.#stopping.signal.aborted || Date.now() > giveUpAt) return;
        this.#options.logger.warn({ err }, 'a shard is kept until the storage can be written');
        await this.#pause(PAUSE_MS);
      }
    }
  }

  #outcomeOf(entry: ShardEntry, plan: ImageShardPlan, signal: AbortSignal): Promise<Outcome> {
    if ('image' in entry) return extractImage(entry, plan, this.#options, signal);
    const code = 'INVALID_PARAMETER';
    const { problem: message } = entry;
    return Promise.resolve({ status: 'failed', code, httpStatus: statusOf(code), message });
  }

  /** Reports the progress of a shard, at most once a second. */
  #teller({ job, shard }: Ticket): (outcomes: readonly (Outcome | undefined)[]) => void {
    let last = Date.now();
    return (outcomes) => {
      if (Date.now() - last < TELL_EVERY_MS) return;
      last = Date.now();
      const known = outcomes.filter((outcome) => outcome !== undefined);
      this.#options.queue.tell({ job, shard, ...countsOf(known), done: false });
    };
  }
}

/** @returns null where no shard waits. @throws Error when the queue does not respond */
async function nextOf(consumer: Consumer): Promise<JsMsg | null> {
  const responded = new AbortController();
  const late = sleep(LONGEST_FETCH_MS, undefined, { signal: responded.signal }).then(() => {
    throw new Error('the queue does not respond');
  });
  try {
    return await Promise.race([consumer.next({ expires: FETCH_MS }), late]);
  } finally {
    responded.abort();
  }
}

const ENDED_A_WORKER: Failure = {
  status: 'failed',
  code: 'INTERNAL_SERVER_ERROR',
  httpStatus: 500,
  message: 'The image crashed its worker repeatedly.',
};
