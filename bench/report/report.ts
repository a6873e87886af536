import type { Circumstances } from '../machine.ts';
import type { MissReport } from '../scenarios/misses.ts';
import type { ScenarioReport } from '../scenarios/scenario.ts';
import type { ThroughputReport } from '../scenarios/throughput.ts';

/** All that a run found; the JSON file holds this. */
export interface Report {
  readonly circumstances: Circumstances;
  /** The image that the targets are about: its name, and how the scenarios' names call it. */
  readonly small_image: { readonly name: string; readonly description: string };
  readonly hits: readonly ScenarioReport[];
  readonly misses: readonly MissReport[];
  readonly throughput: ThroughputReport | undefined;
  /** Most bytes of each process under the load test, of a service started for it. */
  readonly peak_memory_bytes: Readonly<Record<string, number>> | undefined;
}

/** Without the pixels. */
export function toJson(report: Report): string {
  const omitBytes = (name: string, value: unknown) => (name === 'bytes' ? undefined : value);
  return `${JSON.stringify(report, omitBytes, 2)}\n`;
}
