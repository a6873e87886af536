import { make } from './element.ts';
import { milliseconds } from './format.ts';

export interface Step {
  name: string;
  ms: number;
  /** Steps that it consists of. */
  steps: Step[];
}

/** All other steps are the origin's: parts of the time that the edge waits for it. */
const OF_EDGE = new Set(['key', 'validate', 'hash', 'cache', 'origin']);

const NAMES: Record<string, string> = {
  key: 'Check the API key',
  validate: 'Read the request',
  hash: 'Hash the image',
  cache: 'Look in the cache',
  origin: 'Origin',
  queue: 'Wait in the queue',
  decode: 'Decode the image',
  denoise: 'Denoise',
  sift: 'Extract features',
  classify: 'Classify',
  match: 'Match',
};

/** Reads a `Server-Timing` header (W3C): the steps of the edge, those of the origin within `origin`. */
export function readServerTiming(header: string | null): Step[] {
  const steps = Array.from((header ?? '').matchAll(/([\w-]+);dur=([\d.]+)/g), ([, name = '', ms]) => ({
    name,
    ms: Number(ms),
    steps: [],
  }));
  const outer: Step[] = steps.filter(({ name }) => OF_EDGE.has(name));
  const inner = steps.filter(({ name }) => !OF_EDGE.has(name));
  const origin = outer.find(({ name }) => name === 'origin');
  if (origin) origin.steps = inner;
  return origin ? outer : [...outer, ...inner];
}

/** A bar for each step, and for what the network took. */
export function timingBars(steps: readonly Step[], elapsedMs: number): HTMLElement {
  const serverMs = steps.reduce((sum, { ms }) => sum + ms, 0);
  const rest = { name: 'Network and everything else', ms: Math.max(0, elapsedMs - serverMs), steps: [] };
  const rows = [...steps, rest].flatMap((step) => [
    timingRow(step, elapsedMs, false),
    ...step.steps.map((inner) => timingRow(inner, elapsedMs, true)),
  ]);
  return make(
    'div',
    {},
    make(
      'table',
      { class: 'timing' },
      make('caption', { class: 'visually-hidden' }, 'Steps'),
      make('tbody', {}, ...rows),
    ),
    make(
      'p',
      { class: 'soft small' },
      `${milliseconds(elapsedMs)} from request to response in this browser.`,
    ),
  );
}

function timingRow({ name, ms }: Step, totalMs: number, isInner: boolean): HTMLElement {
  const bar = make('span', { class: 'bar' });
  bar.style.width = `${totalMs > 0 ? Math.max(0.5, (100 * ms) / totalMs) : 0}%`;
  return make(
    'tr',
    { class: isInner ? 'inner' : undefined },
    make('th', { scope: 'row' }, NAMES[name] ?? name),
    make('td', { class: 'track' }, bar),
    make('td', { class: 'number' }, milliseconds(ms)),
  );
}
