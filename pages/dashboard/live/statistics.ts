import type { StatsResponse } from '../../../client/contract.ts';
import { card, factList, make } from '../element.ts';
import { count, percent } from '../format.ts';
import { emptyState } from '../states.ts';
import { lines, type Series, stackedBars } from './charts.ts';

/** Minutes of the series. */
const MINUTES = 60;
const MINUTE_MS = 60_000;
/** Minutes between two times below a chart. */
const TICK_EVERY = 10;

type Minute = StatsResponse['series'][number];

/** Counts, charts and tables of the service's statistics. */
export function statisticsCards(stats: StatsResponse): HTMLElement[] {
  const { requests, cache, errors } = stats;
  const failed = sum(Object.values(errors));
  const facts = factList([
    ['Requests', count(requests)],
    ['Per minute', count(stats.series.at(-1)?.requests ?? 0)],
    ['Hit rate', rate(cache.hit_rate)],
    ['Hits in memory', `${count(cache.tiers.memory.hits)} (${rate(cache.tiers.memory.hit_rate)})`],
    ['Hits in Redis', `${count(cache.tiers.redis.hits)} (${rate(cache.tiers.redis.hit_rate)})`],
    ['Computed', count(cache.misses)],
    ['Errors', count(failed)],
  ]);
  const scope =
    stats.scope === 'service'
      ? []
      : [
          make(
            'p',
            { class: 'card warn' },
            'Redis does not respond: these are the counts of one edge alone.',
          ),
        ];
  return [
    facts,
    ...scope,
    make(
      'div',
      { class: 'columns' },
      card('Requests, minute by minute', requestChart(stats)),
      card('Duration over time, in milliseconds', percentileChart(stats)),
    ),
    make(
      'div',
      { class: 'columns' },
      card('Requests by duration, in milliseconds', latencyChart(stats)),
      card('Errors by code', countTable(errors, 'No errors.')),
    ),
    make(
      'div',
      { class: 'columns' },
      card('Endpoints', endpointTable(stats)),
      card('Regions', countTable(regionsOf(stats), 'No requests yet.')),
    ),
  ];
}

function rate(share: number | null): string {
  return share === null ? '–' : percent(share);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** The last hour; minutes without requests are undefined. */
function lastHour({ series }: StatsResponse): {
  times: string[];
  ticks: string[];
  minutes: (Minute | undefined)[];
} {
  const byMinute = new Map(series.map((minute) => [Math.floor(Date.parse(minute.from) / MINUTE_MS), minute]));
  const now = Math.floor(Date.now() / MINUTE_MS);
  const numbers = Array.from({ length: MINUTES }, (_, index) => now - MINUTES + 1 + index);
  const times = numbers.map((number) =>
    new Date(number * MINUTE_MS).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' }),
  );
  return {
    times,
    ticks: times.map((time, index) => ((MINUTES - 1 - index) % TICK_EVERY === 4 ? time : '')),
    minutes: numbers.map((number) => byMinute.get(number)),
  };
}

function requestChart(stats: StatsResponse): HTMLElement {
  const { times, ticks, minutes } = lastHour(stats);
  const errorsOf = (minute?: Minute) => sum(Object.values(minute?.errors ?? {}));
  const othersOf = (minute?: Minute) =>
    minute ? Math.max(0, minute.requests - minute.hits - minute.misses - errorsOf(minute)) : 0;
  const series: Series[] = [
    { name: 'from the cache', colour: 1, values: minutes.map((minute) => minute?.hits ?? 0) },
    { name: 'computed', colour: 2, values: minutes.map((minute) => minute?.misses ?? 0) },
    { name: 'errors', colour: 3, values: minutes.map(errorsOf) },
    { name: 'other', colour: 4, values: minutes.map(othersOf) },
  ];
  const title = (place: number) =>
    `${times[place]}: ${series.map(({ name, values }) => `${values[place]} ${name}`).join(', ')}`;
  const total = sum(minutes.map((minute) => minute?.requests ?? 0));
  return stackedBars(series, { label: `${total} requests in the last hour, minute by minute`, ticks, title });
}

function percentileChart(stats: StatsResponse): HTMLElement {
  const { times, ticks, minutes } = lastHour(stats);
  const names = ['p50', 'p90', 'p99'] as const;
  const series = names.map(
    (name, index): Series => ({
      name,
      colour: ([1, 2, 3] as const)[index] ?? 1,
      values: minutes.map((minute) => minute?.latency_ms[name] ?? null),
    }),
  );
  const title = (place: number) =>
    `${times[place]}: ${series.map(({ name, values }) => `${name} ${values[place] ?? '–'} ms`).join(', ')}`;
  return lines(series, {
    label: 'Percentiles of duration in the last hour, in milliseconds',
    ticks,
    title,
  });
}

function latencyChart({ latency_ms: { upper_bounds: bounds, counts } }: StatsResponse): HTMLElement {
  const names = bounds.map((bound) => (bound < 1000 ? `${bound}` : `${bound / 1000} s`));
  const kinds = [
    ['memory', 'from memory', 1],
    ['redis', 'from Redis', 2],
    ['origin', 'computed', 3],
    ['other', 'without features', 4],
  ] as const;
  const series = kinds.map(
    ([outcome, name, colour]): Series => ({ name, colour, values: counts[outcome] ?? [] }),
  );
  const ticks = [...names, 'more'];
  const title = (place: number) => {
    const upTo = place < names.length ? `up to ${bounds[place]} ms` : `more than ${bounds.at(-1)} ms`;
    return `${upTo}: ${series.map(({ name, values }) => `${values[place] ?? 0} ${name}`).join(', ')}`;
  };
  return stackedBars(series, { label: 'Number of requests by duration in milliseconds', ticks, title });
}

function regionsOf({ regions }: StatsResponse): Record<string, number> {
  return Object.fromEntries(Object.entries(regions).map(([name, { requests }]) => [name, requests]));
}

function countTable(counts: Record<string, number | undefined>, none: string): HTMLElement {
  const rows = Object.entries(counts)
    .map(([name, value = 0]): [string, number] => [name, value])
    .filter(([, value]) => value > 0)
    .toSorted(([, one], [, other]) => other - one);
  if (rows.length === 0) return make('p', { class: 'soft' }, none);
  const lines = rows.map(([name, value]) =>
    make('tr', {}, make('th', { scope: 'row' }, name), make('td', { class: 'number' }, count(value))),
  );
  return make('table', {}, make('tbody', {}, ...lines));
}

function endpointTable({ endpoints }: StatsResponse): HTMLElement {
  const rows = Object.entries(endpoints).toSorted(([, one], [, other]) => other.requests - one.requests);
  if (rows.length === 0) return emptyState('No requests yet', 'Counts appear some seconds after a request.');
  const lines = rows.map(([name, { requests, errors }]) =>
    make(
      'tr',
      {},
      make('th', { scope: 'row' }, name),
      make('td', { class: 'number' }, count(requests)),
      make('td', { class: errors > 0 ? 'number bad' : 'number' }, count(errors)),
    ),
  );
  const titles = ['Endpoint', 'Requests', 'Errors'].map((title, index) =>
    make('th', { scope: 'col', class: index > 0 ? 'number' : undefined }, title),
  );
  return make(
    'div',
    { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Table of endpoints' },
    make('table', {}, make('thead', {}, make('tr', {}, ...titles)), make('tbody', {}, ...lines)),
  );
}
