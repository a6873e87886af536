import type { Outcome, StatsInterval } from '../../shared/contract/stats.ts';
import { BUCKETS, type Counters, errorsOf, sum, UPPER_BOUNDS } from './counters.ts';

/** One point of the series. */
const INTERVAL_MS = 60_000;
/** The series covers an hour. */
const INTERVALS = 60;

/** Number of the interval since the Unix epoch. */
export function intervalAt(timeMs: number): number {
  return Math.floor(timeMs / INTERVAL_MS);
}

/** The hash in Redis with the counters of one interval. */
export function intervalKey(interval: number): string {
  return `stats:minute:${interval}`;
}

/** How long Redis keeps an interval: until the series has left it behind. */
export const INTERVAL_KEPT_SECONDS = ((INTERVALS + 1) * INTERVAL_MS) / 1000;

/** Numbers of the intervals of a series that ends now, the oldest first. */
export function seriesIntervals(nowMs: number): number[] {
  const last = intervalAt(nowMs);
  return Array.from({ length: INTERVALS }, (_, index) => last - INTERVALS + 1 + index);
}

/** Counters of one interval as the public response has them. */
export function intervalOf(interval: number, counters: Counters): StatsInterval {
  const histogram = (outcome: Outcome) =>
    BUCKETS.map((bucket) => counters.get(`latency/${outcome}/${bucket}`) ?? 0);
  const [memory, redis, origin, other] = [
    histogram('memory'),
    histogram('redis'),
    histogram('origin'),
    histogram('other'),
  ];
  const all = BUCKETS.map((_, at) => sum([memory, redis, origin, other].map((counts) => counts[at] ?? 0)));
  return {
    from: new Date(interval * INTERVAL_MS).toISOString(),
    requests: sum(all),
    hits: sum(memory) + sum(redis),
    misses: sum(origin),
    errors: errorsOf(counters),
    latency_ms: { p50: percentile(all, 0.5), p90: percentile(all, 0.9), p99: percentile(all, 0.99) },
  };
}

/** Upper bound of the bucket that holds it; null without requests, and beyond the last bound. */
function percentile(counts: number[], share: number): number | null {
  const rank = Math.ceil(share * sum(counts));
  if (rank === 0) return null;
  let seen = 0;
  const bucket = counts.findIndex((count) => {
    seen += count;
    return seen >= rank;
  });
  return UPPER_BOUNDS[bucket] ?? null;
}
