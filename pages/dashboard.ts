import type { Problem } from '../shared/contract/errors.ts';
import type { DetectResponse, HealthResponse, KeypointColumns } from '../shared/contract/responses.ts';
import type { StatsResponse } from '../shared/contract/stats.ts';

const REFRESH_MS = 5_000;
/** Strongest first: more than these would hide the image. */
const MOST_DRAWN = 2_000;

type DrawnResponse = DetectResponse & KeypointColumns;

function find<Kind extends Element>(selector: string, kind: new () => Kind): Kind {
  const element = document.querySelector(selector);
  if (!(element instanceof kind)) throw new Error(`the page has no ${selector}`);
  return element;
}

const health = find('#health', HTMLElement);
const result = find('#result', HTMLElement);
const canvas = find('#keypoints', HTMLCanvasElement);
const image = find('#image', HTMLInputElement);

image.addEventListener('change', () => {
  const [file] = image.files ?? [];
  if (!file) return;
  showFeatures(file).catch(() => {
    result.textContent = 'The service does not respond.';
  });
});
void refresh();

async function refresh(): Promise<void> {
  await Promise.allSettled([showHealth(), showStats()]);
  setTimeout(refresh, REFRESH_MS);
}

async function showHealth(): Promise<void> {
  const parsed: HealthResponse | Problem | undefined = await fetch('/health')
    .then((response) => response.json())
    .catch(() => undefined);
  if (parsed && 'version' in parsed) {
    health.textContent = `${parsed.status}, version ${parsed.version}`;
    health.className = parsed.status;
  } else {
    health.textContent = parsed?.message ?? 'does not respond';
    health.className = 'unhealthy';
  }
}

async function showStats(): Promise<void> {
  const stats: StatsResponse | Problem = await fetch('/api/v1/stats').then((response) => response.json());
  const scope = find('#scope', HTMLElement);
  if ('error_code' in stats) {
    const isClosed = stats.error_code === 'UNAUTHORIZED';
    scope.textContent = isClosed ? 'This service gives its statistics to API keys only.' : stats.message;
    return;
  }
  const { misses, hit_rate, tiers } = stats.cache;
  const totals = {
    Requests: stats.requests.toLocaleString(),
    'Hit rate': hit_rate === null ? '–' : `${(100 * hit_rate).toFixed(1)} %`,
    'Hits: memory, Redis': `${tiers.memory.hits.toLocaleString()}, ${tiers.redis.hits.toLocaleString()}`,
    Computed: misses.toLocaleString(),
  };
  find('#totals', HTMLElement).replaceChildren(
    ...Object.entries(totals).flatMap(([name, value]) => [element('dt', name), element('dd', value)]),
  );
  showLatency(stats.latency_ms);
  showTable('#endpoints', countsOf(stats.endpoints));
  showTable('#regions', countsOf(stats.regions));
  scope.textContent =
    stats.scope === 'service' ? '' : 'Redis does not respond: these are the counts of one edge alone.';
}

function countsOf(named: Record<string, { requests: number }>): [string, number][] {
  return Object.entries(named).map(([name, { requests }]) => [name, requests]);
}

function showTable(selector: string, rows: [string, number][]): void {
  const sorted = rows.toSorted(([, one], [, other]) => other - one);
  const lines = sorted.map(([name, count]) => {
    const line = document.createElement('tr');
    line.append(element('td', name), element('td', count.toLocaleString()));
    return line;
  });
  find(selector, HTMLElement).replaceChildren(...lines);
}

function element(tag: string, text: string): HTMLElement {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

function showLatency({ upper_bounds, counts }: StatsResponse['latency_ms']): void {
  const totals = [...upper_bounds, Infinity].map((_, bucket) =>
    Object.values(counts).reduce((sum, histogram) => sum + (histogram[bucket] ?? 0), 0),
  );
  const tallest = Math.max(1, ...totals);
  const names = upper_bounds.map((bound) => (bound < 100 ? `${bound} ms` : `${bound / 1000} s`));
  const labels = [...names, 'more'];
  const titles = [...names.map((name) => `up to ${name}`), `more than ${names.at(-1)}`];
  const [width, height] = [32, 80];
  const chart = svg('svg', { viewBox: `0 0 ${width * labels.length} ${height + 14}`, role: 'img' });
  chart.setAttribute('aria-label', 'Number of responses by duration');
  labels.forEach((label, index) => {
    const tall = (height * (totals[index] ?? 0)) / tallest;
    const bar = svg('rect', { x: index * width + 3, y: height - tall, width: width - 6, height: tall });
    bar.append(svg('title', {}, `${titles[index]}: ${totals[index]}`));
    chart.append(bar, svg('text', { x: (index + 0.5) * width, y: height + 11 }, label));
  });
  find('#latency', HTMLElement).replaceChildren(chart);
}

function svg(tag: string, attributes: Record<string, string | number>, text = ''): SVGElement {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.textContent = text;
  return made;
}

async function showFeatures(file: File): Promise<void> {
  result.textContent = 'computing…';
  const body = new FormData();
  body.append('image', file);
  const response = await fetch('/api/v1/features/detect?include=keypoints', { method: 'POST', body });
  const parsed: DrawnResponse | Problem = await response.json();
  // Another image was chosen meanwhile.
  if (image.files?.[0] !== file) return;
  canvas.hidden = !parsed.success;
  if (!parsed.success) {
    result.textContent = `${parsed.error_code}: ${parsed.message}`;
    return;
  }
  const from = parsed.cache.tier === null ? 'computed' : `from ${parsed.cache.tier}`;
  const time = `${parsed.processing_time_ms} ms`;
  result.textContent = `${parsed.keypoints.toLocaleString()} keypoints, ${from} in ${time}`;
  await draw(file, parsed);
}

/** The image, where the browser can show its format, with a circle for each keypoint and its direction. */
async function draw(file: File, parsed: DrawnResponse): Promise<void> {
  const { width, height } = parsed.image;
  Object.assign(canvas, { width, height });
  const context = canvas.getContext('2d');
  if (!context) return;
  const bitmap = await createImageBitmap(file).catch(() => undefined);
  if (bitmap) context.drawImage(bitmap, 0, 0, width, height);
  context.lineWidth = Math.max(1, width / 800);
  context.strokeStyle = '#3dffb5';
  for (let index = 0; index < Math.min(parsed.x.length, MOST_DRAWN); index += 1) {
    drawKeypoint(context, parsed, index);
  }
}

function drawKeypoint(context: CanvasRenderingContext2D, columns: KeypointColumns, index: number): void {
  const { x, y, size, angle } = columns;
  // The canvas counts from the corner of the upper-left pixel, OpenCV from its centre.
  const [centreX, centreY] = [(x[index] ?? 0) + 0.5, (y[index] ?? 0) + 0.5];
  const radius = (size[index] ?? 0) / 2;
  const radians = ((angle[index] ?? 0) * Math.PI) / 180;
  context.beginPath();
  context.arc(centreX, centreY, radius, radians, radians + 2 * Math.PI);
  context.moveTo(centreX, centreY);
  context.lineTo(centreX + radius * Math.cos(radians), centreY + radius * Math.sin(radians));
  context.stroke();
}
