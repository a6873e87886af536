import { make, makeSvg } from '../element.ts';

/** A kind of bar or line, with its place among the colours of the style sheet. */
export interface Series {
  name: string;
  colour: 1 | 2 | 3 | 4;
  values: readonly (number | null)[];
}

export interface ChartOptions {
  /** Says what the chart shows, for screen readers. */
  label: string;
  /** Below the bars; those that are empty are left out. */
  ticks: readonly string[];
  /** Of one place along the horizontal axis, as a tooltip. */
  title: (place: number) => string;
}

const [WIDTH, HEIGHT] = [600, 180];
const [LEFT, BOTTOM, TOP] = [44, 22, 14];

/** Bars of several kinds on top of each other. */
export function stackedBars(series: readonly Series[], options: ChartOptions): HTMLElement {
  const places = options.ticks.length;
  const totals = Array.from({ length: places }, (_, place) =>
    series.reduce((sum, { values }) => sum + (values[place] ?? 0), 0),
  );
  const greatest = niceBound(Math.max(1, ...totals));
  const step = (WIDTH - LEFT) / places;
  const bars = totals.map((_, place) => {
    let top = HEIGHT - BOTTOM;
    const parts = series.map(({ values, colour }) => {
      const height = ((values[place] ?? 0) / greatest) * (HEIGHT - BOTTOM - TOP);
      top -= height;
      const [x, width] = [LEFT + place * step + step * 0.12, step * 0.76];
      return makeSvg('rect', { class: `fill-${colour}`, x, y: top, width, height });
    });
    return makeSvg('g', {}, makeSvg('title', {}, options.title(place)), hitArea(place, step), ...parts);
  });
  return chart(series, options, [...gridLines(greatest), ...bars]);
}

/** Lines; a gap where there is no value. */
export function lines(series: readonly Series[], options: ChartOptions): HTMLElement {
  const places = options.ticks.length;
  const values = series.flatMap((one) => one.values.filter((value) => value !== null));
  const greatest = niceBound(Math.max(1, ...values));
  const step = (WIDTH - LEFT) / places;
  const point = (value: number, place: number): [number, number] => [
    LEFT + (place + 0.5) * step,
    HEIGHT - BOTTOM - (value / greatest) * (HEIGHT - BOTTOM - TOP),
  ];
  const drawn = series.flatMap(({ values: own, colour }) => {
    const points = own.flatMap((value, place) => (value === null ? [] : [point(value, place)]));
    const dots = points.map(([cx, cy]) => makeSvg('circle', { class: `fill-${colour}`, cx, cy, r: 2.5 }));
    return [makeSvg('polyline', { class: `line-${colour}`, points: points.join(' ') }), ...dots];
  });
  const areas = options.ticks.map((_, place) =>
    makeSvg('g', {}, makeSvg('title', {}, options.title(place)), hitArea(place, step)),
  );
  return chart(series, options, [...gridLines(greatest), ...drawn, ...areas]);
}

function hitArea(place: number, step: number): SVGElement {
  return makeSvg('rect', {
    class: 'hit',
    x: LEFT + place * step,
    y: 0,
    width: step,
    height: HEIGHT - BOTTOM,
  });
}

function chart(
  series: readonly Series[],
  { label, ticks }: ChartOptions,
  drawn: readonly SVGElement[],
): HTMLElement {
  const step = (WIDTH - LEFT) / ticks.length;
  const texts = ticks.flatMap((tick, place) =>
    tick === ''
      ? []
      : [makeSvg('text', { class: 'tick', x: LEFT + (place + 0.5) * step, y: HEIGHT - 5 }, tick)],
  );
  const image = makeSvg(
    'svg',
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': label },
    ...drawn,
    ...texts,
  );
  const entries = series.map(({ name, colour }) =>
    make('li', {}, make('span', { class: `dot back-${colour}` }), name),
  );
  return make('figure', { class: 'chart' }, image, make('ul', { class: 'legend' }, ...entries));
}

function gridLines(greatest: number): SVGElement[] {
  return [0, 0.5, 1].flatMap((share) => {
    const y = HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP);
    const text = shortNumber(greatest * share);
    return [
      makeSvg('line', { class: 'grid', x1: LEFT, x2: WIDTH, y1: y, y2: y }),
      makeSvg('text', { class: 'bound', x: LEFT - 6, y: y + 4 }, text),
    ];
  });
}

/** The least of 1, 2, 5, 10, 20, … that is not smaller. */
function niceBound(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([1, 2, 5, 10].find((step) => step * power >= value) ?? 10);
}

function shortNumber(value: number): string {
  if (value >= 1_000_000) return `${value / 1_000_000}M`;
  return value >= 1_000 ? `${value / 1000}k` : String(value);
}
