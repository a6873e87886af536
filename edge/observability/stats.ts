import type { Outcome, StatsAnswer } from '../../shared/contract/stats.ts';
import { type RedisClient, RedisUnavailable } from '../redis/redis-client.ts';
import {
  addCounters,
  type CountedRequest,
  type Counters,
  countLookUp,
  countRequest,
  statsOf,
} from './counters.ts';

/** Between a request and the write of what has been counted by then. */
const FLUSH_DELAY_MS = 3_000;
/** The platform may end a request, and with it the write it was to make. */
const FLUSH_OVERDUE_MS = 3 * FLUSH_DELAY_MS;
const WRITE_TIMEOUT_MS = 5_000;
const READ_TIMEOUT_MS = 1_000;
/** One hash for the whole service. */
const STATS_KEY = 'stats';

/**
 * Counts requests in this isolate's memory, and adds what was counted to Redis every few seconds: no request
 * waits for it. An isolate that ends takes the last seconds with it; a write that failed is made again with the
 * next, so one that only seemed to fail counts twice.
 */
export class Stats {
  readonly #redis: RedisClient;
  #pending: Counters = new Map();
  #flushDueAt = 0;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  /** @param keepAlive keeps the platform from ending work that nobody awaits */
  count(request: CountedRequest, keepAlive: (work: Promise<unknown>) => void): void {
    countRequest(this.#pending, request);
    this.#flushSoon(keepAlive);
  }

  /** Counts one image of a batch. */
  countLookUp(outcome: Outcome, durationMs: number, keepAlive: (work: Promise<unknown>) => void): void {
    countLookUp(this.#pending, outcome, durationMs);
    this.#flushSoon(keepAlive);
  }

  #flushSoon(keepAlive: (work: Promise<unknown>) => void): void {
    const now = Date.now();
    if (now < this.#flushDueAt) return;
    this.#flushDueAt = now + FLUSH_OVERDUE_MS;
    keepAlive(this.#flushLater());
  }

  async #flushLater(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, FLUSH_DELAY_MS));
    const counted = this.#pending;
    this.#pending = new Map();
    this.#flushDueAt = 0;
    try {
      await this.#redis.pipeline((pipeline) => {
        for (const [name, count] of counted) pipeline.hincrby(STATS_KEY, name, count);
      }, WRITE_TIMEOUT_MS);
    } catch (error) {
      if (!(error instanceof RedisUnavailable)) throw error;
      addCounters(this.#pending, counted);
    }
  }

  /** Of the whole service, what this isolate has not written yet included; of this isolate alone without Redis. */
  async read(): Promise<StatsAnswer> {
    try {
      const [written] = await this.#redis.pipeline(
        (pipeline) => pipeline.hgetall(STATS_KEY),
        READ_TIMEOUT_MS,
      );
      return statsOf(addCounters(countersOf(written), this.#pending), 'service');
    } catch (error) {
      if (!(error instanceof RedisUnavailable)) throw error;
      return statsOf(this.#pending, 'isolate');
    }
  }
}

/** Redis hands over names and counts in turn. */
function countersOf(written: unknown): Counters {
  const flat: unknown[] = Array.isArray(written) ? written : [];
  const counters: Counters = new Map();
  for (let at = 0; at < flat.length; at += 2) counters.set(String(flat[at]), Number(flat[at + 1]));
  return counters;
}
