import { type ErrorCode, errorCodeSchema } from '../../shared/contract/errors.ts';
import type { Outcome, StatsResponse } from '../../shared/contract/stats.ts';
import type { Region } from './region.ts';

/** Named counts; the names are also the fields of the hash in Redis. */
export type Counters = Map<string, number>;

/** Milliseconds, from a hit in memory to the longest that the edge waits. */
export const UPPER_BOUNDS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000];
const BEYOND = 'beyond';
export const BUCKETS = [...UPPER_BOUNDS.map(String), BEYOND];

export interface CountedRequest {
  /** Method and route pattern: there are as many as the app has routes. */
  endpoint: string;
  method: string;
  path: string;
  requestId: string;
  /** When it was responded to, in milliseconds since the Unix epoch. */
  time: number;
  outcome: Outcome;
  status: number;
  /** Of an error response. */
  errorCode: ErrorCode | undefined;
  durationMs: number;
  region: Region;
}

export function countRequest(counters: Counters, request: CountedRequest): void {
  const { endpoint, outcome, status, durationMs, region } = request;
  countLookUp(counters, outcome, durationMs);
  increment(counters, `requests/${region.colo}/${endpoint}`);
  increment(counters, `country/${region.country}`);
  if (status >= 400) increment(counters, `errors/${endpoint}`);
  countError(counters, request);
}

/** What the series has of a request. */
export function countInInterval(counters: Counters, request: CountedRequest): void {
  countLookUp(counters, request.outcome, request.durationMs);
  countError(counters, request);
}

function countError(counters: Counters, { errorCode }: CountedRequest): void {
  if (errorCode) increment(counters, `error/${errorCode}`);
}

/** One image of a batch, whose request counts for itself. */
export function countLookUp(counters: Counters, outcome: Outcome, durationMs: number): void {
  increment(counters, `latency/${outcome}/${bucketOf(durationMs)}`);
}

function bucketOf(durationMs: number): string {
  const bound = UPPER_BOUNDS.find((upperBound) => durationMs <= upperBound);
  return bound === undefined ? BEYOND : String(bound);
}

function increment(counters: Counters, name: string, by = 1): void {
  counters.set(name, (counters.get(name) ?? 0) + by);
}

/** Adds every count of `more` to `counters`. */
export function addCounters(counters: Counters, more: Counters): Counters {
  for (const [name, count] of more) increment(counters, name, count);
  return counters;
}

/** Counters as the public response has them. */
export function statsOf(
  counters: Counters,
  scope: StatsResponse['scope'],
  series: StatsResponse['series'],
): StatsResponse {
  const histogram = (outcome: Outcome) =>
    BUCKETS.map((bucket) => counters.get(`latency/${outcome}/${bucket}`) ?? 0);
  const counts = {
    memory: histogram('memory'),
    redis: histogram('redis'),
    origin: histogram('origin'),
    other: histogram('other'),
  };
  const [inMemory, inRedis, misses] = [sum(counts.memory), sum(counts.redis), sum(counts.origin)];
  const hits = inMemory + inRedis;
  const rate = (part: number) => (hits + misses === 0 ? null : part / (hits + misses));
  const usage = usageOf(counters);
  return {
    scope,
    requests: sum(Object.values(usage.endpoints).map(({ requests }) => requests)),
    cache: {
      hits,
      misses,
      hit_rate: rate(hits),
      tiers: {
        memory: { hits: inMemory, hit_rate: rate(inMemory) },
        redis: { hits: inRedis, hit_rate: rate(inRedis) },
      },
    },
    latency_ms: { upper_bounds: UPPER_BOUNDS, counts },
    errors: errorsOf(counters),
    ...usage,
    series,
  };
}

/** Counts of `error/<code>`. */
export function errorsOf(counters: Counters): StatsResponse['errors'] {
  const counted = errorCodeSchema.options.map((code) => [code, counters.get(`error/${code}`)] as const);
  return Object.fromEntries(counted.filter(([, count]) => count !== undefined));
}

function usageOf(counters: Counters): Pick<StatsResponse, 'endpoints' | 'regions' | 'countries'> {
  const endpoints: StatsResponse['endpoints'] = {};
  const regions: StatsResponse['regions'] = {};
  const countries: StatsResponse['countries'] = {};
  for (const [name, count] of counters) {
    const [, kind, rest = ''] = /^([a-z]+)\/(.*)$/.exec(name) ?? [];
    if (kind === 'country') countries[rest] = count;
    if (kind === 'errors') endpointIn(endpoints, rest).errors += count;
    if (kind === 'requests') {
      const [colo = '', endpoint = ''] = splitOnce(rest);
      endpointIn(endpoints, endpoint).requests += count;
      regions[colo] ??= { requests: 0, endpoints: {} };
      regions[colo].requests += count;
      regions[colo].endpoints[endpoint] = count;
    }
  }
  return { endpoints, regions, countries };
}

function endpointIn(endpoints: StatsResponse['endpoints'], name: string) {
  endpoints[name] ??= { requests: 0, errors: 0 };
  return endpoints[name];
}

/** `FRA/GET /health` → `FRA`, `GET /health`. */
function splitOnce(text: string): [string, string] {
  const at = text.indexOf('/');
  return [text.slice(0, at), text.slice(at + 1)];
}

export function sum(counts: number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
