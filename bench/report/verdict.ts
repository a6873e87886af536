import { ratios, type Summary } from '../statistics.ts';
import type { Report } from './report.ts';
import { number, shownWithRange } from './table.ts';

/** Most memory under the load test of 2026-11-22 (results/2026-11-22-load.md). */
const FORMER_PEAK_MB = { workerd: 525, origin: 414 };

/**
 * Which of the targets this run has reached; the pairs that were measured in turn are compared, median of ratios. Beside
 * each figure is that of the least possible Worker (floor/worker.ts) by the same measure.
 */
export function verdictText(report: Report): string {
  const lines = [...throughputVerdicts(report), ...hitVerdicts(report), ...memoryVerdicts(report)];
  return lines.length === 0 ? '' : ['Targets', '', ...lines].join('\n');
}

function throughputVerdicts({ throughput, misses, small_image }: Report): string[] {
  const lines: string[] = [];
  if (throughput?.peer_misses) {
    const times = ratioOf(throughput.misses, throughput.peer_misses, 'requests_per_s');
    const floor = ratioOf(throughput.floor_misses, throughput.peer_misses, 'requests_per_s');
    lines.push(atLeast(3.0, times, 'misses per second, in times the peer’s', floor));
  }
  const single = misses.find(({ image }) => image.name === small_image.name)?.figures;
  if (single) {
    const what = 'a miss at one connection, in times decoding and SIFT alone';
    lines.push(atMost(1.2, single.native_times, what, single.floor_native_times));
  }
  if (throughput) {
    const times = ratioOf(throughput.misses, throughput.memory_hits, 'cpu_workerd_us');
    const floor = ratioOf(throughput.floor_misses, throughput.memory_hits, 'cpu_workerd_us');
    lines.push(atMost(3, times, 'CPU of a miss at the edge, in times that of a hit in memory', floor));
  }
  return lines;
}

function hitVerdicts({ hits, small_image: { description } }: Report): string[] {
  return hits
    .filter(({ service, scenario }) => service === 'peer' && scenario.endsWith(description))
    .flatMap((peer) =>
      Object.entries({ redis: 0.9, memory: 0.4 }).flatMap(([tier, target]) => {
        const name = `${tier}: ${peer.scenario}`;
        const [ours, floor] = (['edgesift', 'floor'] as const).map((of) =>
          hits.find(
            ({ service, scenario, connections }) =>
              service === of && scenario === name && connections === peer.connections,
          ),
        );
        if (!ours) return [];
        const times = ratioOf(ours.figures, peer.figures, 'cpu_server_us');
        const least = floor && ratioOf(floor.figures, peer.figures, 'cpu_server_us');
        const what = `CPU of a hit in ${tier}, all processes, in times the peer’s, ${peer.connections} connections`;
        return [atMost(target, times, what, least)];
      }),
    );
}

function memoryVerdicts({ peak_memory_bytes: peaks }: Report): string[] {
  if (!peaks) return [];
  return Object.entries(FORMER_PEAK_MB).map(([name, target]) => {
    const megabytes = (peaks[name] ?? Number.NaN) / 1e6;
    return `${mark(megabytes <= target)} most memory of ${name} under load: ${number(megabytes)} MB (target: at most ${target})`;
  });
}

function ratioOf(
  above: Record<string, Summary>,
  below: Record<string, Summary>,
  figure: string,
): Summary | undefined {
  const [a, b] = [above[figure], below[figure]];
  return a && b && ratios(a, b);
}

function atLeast(target: number, value: Summary | undefined, what: string, floor?: Summary): string {
  const isReached = value !== undefined && value.median >= target;
  return `${mark(isReached)} ${what}: ${shownWithRange(value)} (target: at least ${target}${besideIt(floor)})`;
}

function atMost(target: number, value: Summary | undefined, what: string, floor?: Summary): string {
  const isReached = value !== undefined && value.median <= target;
  return `${mark(isReached)} ${what}: ${shownWithRange(value)} (target: at most ${target}${besideIt(floor)})`;
}

function besideIt(floor: Summary | undefined): string {
  return floor ? `; the least Worker: ${shownWithRange(floor)}` : '';
}

function mark(isReached: boolean): string {
  return isReached ? '- reached:' : '- MISSED:';
}
