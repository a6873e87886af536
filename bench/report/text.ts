import type { MissReport } from '../scenarios/misses.ts';
import type { ScenarioReport } from '../scenarios/scenario.ts';
import type { ThroughputReport } from '../scenarios/throughput.ts';
import { median, ratios, type Summary } from '../statistics.ts';
import type { Report } from './report.ts';
import { type Column, number, shown, shownWithRange, table } from './table.ts';
import { verdictText } from './verdict.ts';

/** Use of the CPUs by other programs up to which figures are worth keeping. */
const QUIET_PERCENT = 5;

/** The run for a reader, as Markdown. */
export function reportText(report: Report): string {
  return [
    circumstancesText(report),
    section('Hits (medians over repetitions; CPU in µs per request)', HIT_COLUMNS, report.hits),
    section(
      'Misses at one connection (ms, medians; service / native within a turn: median, range)',
      MISS_COLUMNS,
      report.misses,
    ),
    throughputText(report),
    peerText(report),
    verdictText(report),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function section<Row>(title: string, columns: readonly Column<Row>[], rows: readonly Row[]): string {
  return rows.length === 0 ? '' : `${title}\n\n${table(columns, rows)}`;
}

function circumstancesText({ circumstances, hits, throughput }: Report): string {
  const lines = Object.entries(circumstances).map(([name, value]) => `- ${name}: ${value}`);
  const measured = [...hits.map(({ figures }) => figures), ...(throughput ? [throughput.misses] : [])];
  const foreign = median([
    0,
    ...measured.flatMap(({ foreign_cpu_percent }) => foreign_cpu_percent?.values ?? []),
  ]);
  const warning = foreign > QUIET_PERCENT ? ': NOT A QUIET MACHINE, these figures are too high' : '';
  return [...lines, `- used by other programs meanwhile: ${number(foreign)} % of the CPUs${warning}`].join(
    '\n',
  );
}

const hitFigure = (name: string) => (row: ScenarioReport) => shown(row.figures[name]);

const LABELS = { edgesift: '', floor: 'FLOOR: ', peer: 'PEER: ' };

const HIT_COLUMNS: readonly Column<ScenarioReport>[] = [
  ['scenario', ({ scenario, service }) => LABELS[service] + scenario],
  ['conn', ({ connections }) => String(connections)],
  ['p50 ms', hitFigure('p50_ms')],
  ['p99 ms', hitFigure('p99_ms')],
  ['req/s', hitFigure('requests_per_s')],
  ['workerd', hitFigure('cpu_workerd_us')],
  ['gateway', hitFigure('cpu_gateway_us')],
  ['redis', hitFigure('cpu_redis_us')],
  ['origin', hitFigure('cpu_origin_us')],
  ['uvicorn', hitFigure('cpu_uvicorn_us')],
  ['all (range)', ({ figures }) => shownWithRange(figures.cpu_server_us)],
  ['client', hitFigure('cpu_client_us')],
  ['others %', hitFigure('foreign_cpu_percent')],
];

const missFigure = (name: string) => (row: MissReport) => shown(row.figures[name]);

const MISS_COLUMNS: readonly Column<MissReport>[] = [
  ['image', ({ image }) => `${image.name} ${image.width}×${image.height}`],
  ['service', missFigure('service_ms')],
  ['queue', missFigure('queue_ms')],
  ['decode', missFigure('decode_ms')],
  ['sift', missFigure('sift_ms')],
  ['around', missFigure('around_ms')],
  ['native', missFigure('native_ms')],
  ['service / native', ({ figures }) => shownWithRange(figures.native_times)],
  ['around %', missFigure('around_percent')],
  ['floor', missFigure('floor_ms')],
  ['floor / native', missFigure('floor_native_times')],
  ['OpenCV', missFigure('opencv_ms')],
  ['OpenCV / service', missFigure('opencv_times')],
  ['CPU workerd', missFigure('cpu_workerd_ms')],
  ['gateway', missFigure('cpu_gateway_ms')],
  ['redis', missFigure('cpu_redis_ms')],
  ['origin', missFigure('cpu_origin_ms')],
  ['peer', missFigure('peer_ms')],
  ['CPU peer', missFigure('cpu_peer_ms')],
  ['peer / service', missFigure('peer_times')],
];

interface LoadRow {
  readonly name: string;
  readonly figures: Record<string, Summary>;
}

const loadFigure = (name: string) => (row: LoadRow) => shown(row.figures[name]);

const LOAD_COLUMNS: readonly Column<LoadRow>[] = [
  ['request', ({ name }) => name],
  ['per second (range)', ({ figures }) => shownWithRange(figures.requests_per_s)],
  ['p50 ms', loadFigure('p50_ms')],
  ['workerd', loadFigure('cpu_workerd_us')],
  ['gateway', loadFigure('cpu_gateway_us')],
  ['redis', loadFigure('cpu_redis_us')],
  ['origin', loadFigure('cpu_origin_us')],
  ['uvicorn', loadFigure('cpu_uvicorn_us')],
  ['all (range)', ({ figures }) => shownWithRange(figures.cpu_server_us)],
  ['others %', loadFigure('foreign_cpu_percent')],
];

function throughputText({ throughput }: Report): string {
  if (throughput === undefined) return '';
  const { image, connections } = throughput;
  const title = `${image.name} at ${connections} connections (medians; CPU in µs per request)`;
  return section(title, LOAD_COLUMNS, loadRows(throughput));
}

function loadRows({ misses, memory_hits, floor_misses, peer_misses }: ThroughputReport): LoadRow[] {
  return [
    { name: 'miss', figures: misses },
    { name: 'hit in memory', figures: memory_hits },
    { name: 'FLOOR: miss', figures: floor_misses },
    ...(peer_misses ? [{ name: 'PEER: miss', figures: peer_misses }] : []),
  ];
}

/** Medians of ratios: what ours takes, in times what the peer takes, for the same upload. */
function peerText({ hits }: Report): string {
  const rows = hits.filter(({ service }) => service === 'peer').flatMap((peer) => peerRows(hits, peer));
  if (rows.length === 0) return '';
  const columns: Column<PeerRow>[] = [
    ['hit', ({ ours }) => ours.scenario],
    ['conn', ({ ours }) => String(ours.connections)],
    ['CPU: ours / peer', (row) => ratio(row.ours, row.peer, 'cpu_server_us')],
    ['p50: ours / peer', (row) => ratio(row.ours, row.peer, 'p50_ms')],
    ['req/s: ours / peer', (row) => ratio(row.ours, row.peer, 'requests_per_s')],
  ];
  return `Hits side by side with the peer, which has Redis only (medians of ratios)\n\n${table(columns, rows)}`;
}

interface PeerRow {
  readonly ours: ScenarioReport;
  readonly peer: ScenarioReport;
}

function peerRows(hits: readonly ScenarioReport[], peer: ScenarioReport): PeerRow[] {
  const isTheSame = ({ service, scenario, connections }: ScenarioReport) =>
    service === 'edgesift' && scenario.endsWith(peer.scenario) && connections === peer.connections;
  return hits.filter(isTheSame).map((ours) => ({ ours, peer }));
}

function ratio(above: ScenarioReport, below: ScenarioReport, figure: string): string {
  const [a, b] = [above.figures[figure], below.figures[figure]];
  return a === undefined || b === undefined ? '-' : shown(ratios(a, b));
}
