import type { MissReport } from '../scenarios/misses.ts';
import type { ScenarioReport } from '../scenarios/scenario.ts';
import { median, type Summary } from '../statistics.ts';
import type { Report } from './report.ts';
import { type Column, number, shown, shownWithRange, table } from './table.ts';
import { verdictText } from './verdict.ts';

/** Use of the CPUs by other programs up to which figures are worth keeping. */
const QUIET_PERCENT = 5;

/** The run for a reader, as Markdown. */
export function reportText(report: Report): string {
  return [
    circumstancesText(report),
    `Hits (medians over repetitions; CPU in µs per request)\n\n${table(HIT_COLUMNS, report.hits)}`,
    `Misses at one connection (ms, medians; added in % of the native call: median, range)\n\n${table(MISS_COLUMNS, report.misses)}`,
    throughputText(report),
    peerText(report),
    verdictText(report),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function circumstancesText({ circumstances, hits }: Report): string {
  const lines = Object.entries(circumstances).map(([name, value]) => `- ${name}: ${value}`);
  const foreign = median(hits.flatMap(({ figures }) => figures.foreign_cpu_percent?.median ?? []));
  const warning = foreign > QUIET_PERCENT ? ': NOT A QUIET MACHINE, these figures are too high' : '';
  return [...lines, `- used by other programs meanwhile: ${number(foreign)} % of the CPUs${warning}`].join(
    '\n',
  );
}

const hitFigure = (name: string) => (row: ScenarioReport) => shown(row.figures[name]);

const HIT_COLUMNS: readonly Column<ScenarioReport>[] = [
  [
    'scenario',
    ({ scenario, service }) => (service === 'edgesift' ? scenario : `${service.toUpperCase()}: ${scenario}`),
  ],
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
  ['added %', ({ figures }) => shownWithRange(figures.added_percent)],
  ['around %', missFigure('around_percent')],
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

function throughputText({ miss_throughput }: Report): string {
  const { image, connections, service, peer } = miss_throughput;
  const rate = ({ requests_per_s, p50_ms }: Record<string, Summary>) =>
    `${shownWithRange(requests_per_s)} images/s, p50 ${shown(p50_ms)} ms`;
  const ofPeer = peer === undefined ? '' : `; peer ${rate(peer)}`;
  return `Misses of ${image.name} at ${connections} connections: ${rate(service)}${ofPeer}`;
}

/** Ratios of medians: what the peer takes, in times what ours takes, for the same upload. */
function peerText({ hits }: Report): string {
  const rows = hits.filter(({ service }) => service === 'peer').flatMap((peer) => peerRows(hits, peer));
  if (rows.length === 0) return '';
  const columns: Column<PeerRow>[] = [
    ['hit', ({ ours }) => ours.scenario],
    ['conn', ({ ours }) => String(ours.connections)],
    ['CPU: peer / ours', (row) => ratio(row.peer, row.ours, 'cpu_server_us')],
    ['p50: peer / ours', (row) => ratio(row.peer, row.ours, 'p50_ms')],
    ['req/s: ours / peer', (row) => ratio(row.ours, row.peer, 'requests_per_s')],
  ];
  return `Hits side by side with the peer, which has Redis only (ratios of medians)\n\n${table(columns, rows)}`;
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
  return a === undefined || b === undefined ? '-' : number(a.median / b.median);
}
