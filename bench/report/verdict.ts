import { BASELINE_CPU_US } from '../baseline/baseline.ts';
import { MOSAIC_NAME } from '../mosaic.ts';
import { type MissReport, overall } from '../scenarios/misses.ts';
import type { ScenarioReport } from '../scenarios/scenario.ts';
import type { Report } from './report.ts';
import { number, shown } from './table.ts';

/** CPU per hit of the reference service for a 75 kB image, and the eighth of it that ours may take. */
const REFERENCE_HIT_CPU_US = 3500;
const HIT_CPU_TARGET_US = REFERENCE_HIT_CPU_US / 8;
const ADDED_TARGET_PERCENT = 10;

/** Which of the targets this run has reached. */
export function verdictText({ hits, misses, small_image }: Report): string {
  const slowness = baselineCpu(hits) / BASELINE_CPU_US;
  const uploads = hits.filter(({ service, scenario, connections }) => {
    return service === 'edgesift' && scenario.endsWith(small_image) && connections > 1;
  });
  const isMosaic = ({ image }: MissReport) => image.name === MOSAIC_NAME;
  return [
    'Targets',
    '',
    `- the baseline says that this machine is ${number(slowness)} times as slow as the one that the reference figures are of`,
    ...uploads.map((row) => hitVerdict(row, slowness)),
    missVerdict(
      'the images',
      misses.filter((row) => !isMosaic(row)),
    ),
    missVerdict('a photo of 3 megapixels', misses.filter(isMosaic)),
    ...openCvText(misses),
  ].join('\n');
}

function hitVerdict({ scenario, figures }: ScenarioReport, slowness: number): string {
  const { cpu_server_us, cpu_workerd_us } = figures;
  const here = cpu_workerd_us?.median ?? Number.NaN;
  return (
    `${verdict(here <= HIT_CPU_TARGET_US)} hit in ${scenario}: ${number(here)} µs of CPU at the edge, ` +
    `${shown(cpu_server_us)} with all processes (target: at most ${number(HIT_CPU_TARGET_US)}); ` +
    `by the baseline ${number(here / slowness)} on the reference's machine`
  );
}

function missVerdict(of: string, misses: readonly MissReport[]): string {
  const added = overall(misses, 'added_percent');
  return (
    `${verdict(added < ADDED_TARGET_PERCENT)} the service adds ${number(added)} % to a miss of ${of}, ` +
    `${number(overall(misses, 'around_percent'))} % by its own clock (target: less than ${ADDED_TARGET_PERCENT} %)`
  );
}

function baselineCpu(hits: readonly ScenarioReport[]): number {
  const row = hits.find(({ service, connections }) => service === 'baseline' && connections > 1);
  return row?.figures.cpu_workerd_us?.median ?? Number.NaN;
}

/** What a client gains by our engine, service and all; nothing where the service runs OpenCV's. */
function openCvText(misses: readonly MissReport[]): string[] {
  if (!misses.some(({ figures }) => figures.opencv_times)) return [];
  const times = number(overall(misses, 'opencv_times'));
  return [`- OpenCV's native call alone takes ${times} times as long as a miss through the service`];
}

function verdict(reached: boolean): string {
  return reached ? '- reached:' : '- MISSED:';
}
