import type { RequestsQuery, RequestsResponse } from '../../shared/contract/requests.ts';
import type { Outcome, StatsResponse } from '../../shared/contract/stats.ts';
import { type RedisClient, RedisUnavailable } from '../redis/redis-client.ts';
import {
  addCounters,
  type CountedRequest,
  type Counters,
  countInInterval,
  countLookUp,
  countRequest,
  statsOf,
} from './counters.ts';
import {
  loadRequests,
  RecentRequests,
  requestsOf,
  selectRequests,
  storeRequests,
} from './recent-requests.ts';
import { INTERVAL_KEPT_SECONDS, intervalAt, intervalKey, intervalOf, seriesIntervals } from './series.ts';

/** Between a request and the write of what has been counted by then. */
const FLUSH_DELAY_MS = 3_000;
/** The platform may end a request, and with it the write it was to make. */
const FLUSH_OVERDUE_MS = 3 * FLUSH_DELAY_MS;
const WRITE_TIMEOUT_MS = 5_000;
const READ_TIMEOUT_MS = 1_000;
/** One hash for the whole service. */
const STATS_KEY = 'stats';

type KeepAlive = (work: Promise<unknown>) => void;

/** Counters of the service, and of each minute. */
interface Counted {
  total: Counters;
  intervals: Map<number, Counters>;
}

/**
 * Counts requests in this isolate's memory, and adds what was counted to Redis every few seconds, in one request with
 * the list of those requests: no request waits for it. An isolate that ends takes the last seconds with it; a write
 * that failed is made again with the next, so one that only seemed to fail counts twice. The list is not written again.
 */
export class Stats {
  readonly #redis: RedisClient;
  readonly #requests = new RecentRequests();
  #pending: Counted = nothingCounted();
  #flushDueAt = 0;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  /** @param keepAlive keeps the platform from ending work that no request awaits */
  count(request: CountedRequest, keepAlive: KeepAlive): void {
    countRequest(this.#pending.total, request);
    countInInterval(countersIn(this.#pending.intervals, intervalAt(request.time)), request);
    this.#requests.add(request);
    this.#flushSoon(keepAlive);
  }

  /** Counts one image of a batch. */
  countLookUp(outcome: Outcome, durationMs: number, keepAlive: KeepAlive): void {
    countLookUp(this.#pending.total, outcome, durationMs);
    this.#flushSoon(keepAlive);
  }

  #flushSoon(keepAlive: KeepAlive): void {
    const now = Date.now();
    if (now < this.#flushDueAt) return;
    this.#flushDueAt = now + FLUSH_OVERDUE_MS;
    keepAlive(this.#flushLater());
  }

  async #flushLater(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, FLUSH_DELAY_MS));
    const counted = this.#pending;
    const requests = this.#requests.take();
    this.#pending = nothingCounted();
    this.#flushDueAt = 0;
    try {
      await this.#redis.pipeline((pipeline) => {
        for (const [name, count] of counted.total) pipeline.hincrby(STATS_KEY, name, count);
        for (const [interval, counters] of counted.intervals) {
          const key = intervalKey(interval);
          for (const [name, count] of counters) pipeline.hincrby(key, name, count);
          pipeline.expire(key, INTERVAL_KEPT_SECONDS);
        }
        storeRequests(pipeline, requests);
      }, WRITE_TIMEOUT_MS);
    } catch (error) {
      if (!(error instanceof RedisUnavailable)) throw error;
      addCounted(this.#pending, counted);
    }
  }

  /** Of the whole service, what this isolate has not written yet included; of this isolate alone without Redis. */
  async read(): Promise<StatsResponse> {
    const intervals = seriesIntervals(Date.now());
    const counted = nothingCounted();
    const scope = await this.#reachingRedis(async () => {
      const [total, ...minutes] = await this.#redis.pipeline((pipeline) => {
        pipeline.hgetall(STATS_KEY);
        for (const interval of intervals) pipeline.hgetall(intervalKey(interval));
      }, READ_TIMEOUT_MS);
      counted.total = countersOf(total);
      counted.intervals = new Map(
        intervals.map((interval, index) => [interval, countersOf(minutes[index])] as const),
      );
    });
    addCounted(counted, this.#pending);
    const series = intervals
      .map((interval) => intervalOf(interval, counted.intervals.get(interval) ?? new Map()))
      .filter(({ requests }) => requests > 0);
    return statsOf(counted.total, scope, series);
  }

  /** The latest requests that match, as {@link read} of the whole service or of this isolate. */
  async readRequests(query: RequestsQuery): Promise<RequestsResponse> {
    const requests = this.#requests.pending;
    const scope = await this.#reachingRedis(async () => {
      requests.push(...requestsOf((await this.#redis.pipeline(loadRequests, READ_TIMEOUT_MS))[0]));
    });
    return { success: true, scope, requests: selectRequests(requests, query) };
  }

  async #reachingRedis(load: () => Promise<void>): Promise<StatsResponse['scope']> {
    try {
      await load();
      return 'service';
    } catch (error) {
      if (!(error instanceof RedisUnavailable)) throw error;
      return 'isolate';
    }
  }
}

function nothingCounted(): Counted {
  return { total: new Map(), intervals: new Map() };
}

function countersIn(intervals: Map<number, Counters>, interval: number): Counters {
  const known = intervals.get(interval);
  if (known) return known;
  const counters: Counters = new Map();
  intervals.set(interval, counters);
  return counters;
}

/** Adds every count of `more` to `counted`. */
function addCounted(counted: Counted, more: Counted): void {
  addCounters(counted.total, more.total);
  for (const [interval, counters] of more.intervals) {
    addCounters(countersIn(counted.intervals, interval), counters);
  }
}

/** Redis hands over names and counts in turn. */
function countersOf(written: unknown): Counters {
  const flat: unknown[] = Array.isArray(written) ? written : [];
  const counters: Counters = new Map();
  for (let at = 0; at < flat.length; at += 2) counters.set(String(flat[at]), Number(flat[at + 1]));
  return counters;
}
