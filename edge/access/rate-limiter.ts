import { LRUCache } from 'lru-cache';
import * as z from 'zod';
import { ServiceError } from '../../shared/contract/errors.ts';
import { type RedisClient, RedisUnavailable } from '../redis/redis-client.ts';

/** What a client may use in each window of the clock. */
export interface RatePolicy {
  /** In units; a request costs one. */
  limit: number;
  windowSeconds: number;
}

export interface Quota extends RatePolicy {
  remaining: number;
  resetSeconds: number;
}

interface Usage {
  /** Number of the window since the Unix epoch. */
  window: number;
  /** Units that Redis knows of, from all isolates. */
  reported: number;
  /** Units of this isolate that Redis does not know of. */
  unreported: number;
}

/** Clients that an isolate remembers; of others it begins to count anew. */
const REMEMBERED_CLIENTS = 10_000;
const REPORT_INTERVAL_MS = 1_000;
const CLIENTS_PER_REPORT = 500;
const REPORT_TIMEOUT_MS = 2_000;

/**
 * Counts what each client uses in fixed windows: in this isolate's memory, so that no request waits for it, and at
 * most once a second in one request to Redis, after a response, where the counts of all isolates add up. A client
 * can exceed its limit by what it gets through in that second; without Redis each isolate counts for itself.
 */
export class RateLimiter {
  readonly #policy: RatePolicy;
  readonly #redis: RedisClient;
  readonly #usages = new LRUCache<string, Usage>({ max: REMEMBERED_CLIENTS });
  readonly #toReport = new Set<string>();
  #nextReportAt = 0;

  constructor(policy: RatePolicy, redis: RedisClient) {
    this.#policy = policy;
    this.#redis = redis;
  }

  /**
   * Takes one unit.
   *
   * @throws ServiceError `RATE_LIMITED` when none is left
   */
  admit(client: string): void {
    const quota = this.quotaOf(client);
    if (quota.remaining === 0) throw rateLimited(quota);
    this.#charge(client, 1);
  }

  /**
   * Takes units for work before it is done; never more than a whole window has, so that all work is possible.
   *
   * @returns gives them back, for work that was not done
   * @throws ServiceError `RATE_LIMITED` when there are not so many left
   */
  reserve(client: string, units: number): () => void {
    const quota = this.quotaOf(client);
    const needed = Math.min(units, quota.limit - 1);
    if (quota.remaining < needed) throw rateLimited(quota);
    const usage = this.#charge(client, needed);
    return () => {
      usage.unreported -= needed;
    };
  }

  #charge(client: string, units: number): Usage {
    const usage = this.#usageOf(client);
    usage.unreported += units;
    if (this.#toReport.size < REMEMBERED_CLIENTS) this.#toReport.add(client);
    return usage;
  }

  quotaOf(client: string): Quota {
    const { reported, unreported } = this.#usageOf(client);
    const windowMs = this.#policy.windowSeconds * 1000;
    return {
      ...this.#policy,
      remaining: Math.max(0, this.#policy.limit - reported - unreported),
      resetSeconds: Math.ceil((windowMs - (Date.now() % windowMs)) / 1000),
    };
  }

  /** Sends new counts to Redis; undefined when there are none, or when some were sent just now. */
  report(): Promise<void> | undefined {
    const now = Date.now();
    if (this.#toReport.size === 0 || now < this.#nextReportAt) return undefined;
    this.#nextReportAt = now + REPORT_INTERVAL_MS;
    const window = this.#window();
    const clients = [...this.#toReport].slice(0, CLIENTS_PER_REPORT);
    for (const client of clients) this.#toReport.delete(client);
    const reports = clients
      .map((client) => ({ client, usage: this.#usageOf(client) }))
      .map(({ client, usage }) => ({ client, usage, units: usage.unreported }))
      .filter(({ units }) => units !== 0);
    return this.#send(window, reports);
  }

  async #send(window: number, reports: { client: string; usage: Usage; units: number }[]): Promise<void> {
    if (reports.length === 0) return;
    for (const { usage, units } of reports) move(usage, units);
    const key = `rate-limit:${this.#policy.windowSeconds}:${window}`;
    try {
      const results = await this.#redis.pipeline((pipeline) => {
        for (const { client, units } of reports) pipeline.hincrby(key, client, units);
        pipeline.expire(key, 2 * this.#policy.windowSeconds);
      }, REPORT_TIMEOUT_MS);
      const totals = z.array(z.number()).parse(results);
      reports.forEach(({ usage }, index) => {
        usage.reported = totals[index] ?? usage.reported;
      });
    } catch (error) {
      if (!(error instanceof RedisUnavailable)) throw error;
      for (const { client, usage, units } of reports) {
        move(usage, -units);
        if (this.#toReport.size < REMEMBERED_CLIENTS) this.#toReport.add(client);
      }
    }
  }

  #usageOf(client: string): Usage {
    const window = this.#window();
    const known = this.#usages.get(client);
    if (known?.window === window) return known;
    const usage = { window, reported: 0, unreported: 0 };
    this.#usages.set(client, usage);
    return usage;
  }

  #window(): number {
    return Math.floor(Date.now() / (this.#policy.windowSeconds * 1000));
  }
}

function rateLimited({ limit, windowSeconds, resetSeconds }: Quota): ServiceError {
  return new ServiceError(
    'RATE_LIMITED',
    `The rate limit of ${limit} units per ${windowSeconds} s is exceeded.`,
    {
      details: { limit, window_s: windowSeconds },
      retryAfterSeconds: resetSeconds,
    },
  );
}

function move(usage: Usage, units: number): void {
  usage.reported += units;
  usage.unreported -= units;
}
