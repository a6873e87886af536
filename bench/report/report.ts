import type { Circumstances } from '../machine.ts';
import type { MissReport, ThroughputReport } from '../scenarios/misses.ts';
import type { ScenarioReport } from '../scenarios/scenario.ts';

/** All that a run found; the JSON file holds this. */
export interface Report {
  readonly circumstances: Circumstances;
  /** The image that the target for hits is about, as the scenarios' names call it. */
  readonly small_image: string;
  readonly hits: readonly ScenarioReport[];
  readonly misses: readonly MissReport[];
  readonly miss_throughput: ThroughputReport;
}

/** Without the pixels. */
export function toJson(report: Report): string {
  const omitBytes = (name: string, value: unknown) => (name === 'bytes' ? undefined : value);
  return `${JSON.stringify(report, omitBytes, 2)}\n`;
}
