import type { Processes } from '../cpu.ts';
import type { LoadJob } from '../load/job.ts';
import { type LoadClient, measureLoad } from '../load/load-client.ts';
import { Series, type Summary } from '../statistics.ts';

/** Connections of a measurement of latency, and of one of throughput. */
export const CONNECTIONS = { one: 1, many: 16 } as const;
export type Load = keyof typeof CONNECTIONS;
const LOADS: readonly Load[] = ['one', 'many'];

/** One kind of request, measured again and again in turn with the others. */
export interface Scenario {
  readonly name: string;
  readonly service: 'edgesift' | 'floor' | 'peer';
  /** Those that serve it. */
  readonly processes: Processes;
  /** Puts the service into the state to be measured. */
  prepare(): Promise<void>;
  /** To be called after `prepare`, once for each load. */
  job(load: Load): LoadJob;
}

/** One scenario at one number of connections. */
export interface ScenarioReport {
  readonly scenario: string;
  readonly service: Scenario['service'];
  readonly connections: number;
  readonly figures: Record<string, Summary>;
}

/** Requests of its kind before every measurement: what is measured is a Worker at work, its code compiled. */
export const WARM_UP_REQUESTS = 1000;

/** Repetitions that are not counted: meanwhile the engines compile what is hot. */
const WARM_UP_REPETITIONS = 1;

/** Measures all of them in turn, again and again: what else the machine does then falls on each alike. */
export async function measureScenarios(
  scenarios: readonly Scenario[],
  { client, repetitions }: { client: LoadClient; repetitions: number },
): Promise<ScenarioReport[]> {
  const cases = scenarios.flatMap((scenario) =>
    LOADS.map((load) => ({ scenario, load, series: new Series() })),
  );
  for (let repetition = -WARM_UP_REPETITIONS; repetition < repetitions; repetition += 1) {
    for (const { scenario, load, series } of cases) {
      if (load === LOADS[0]) await scenario.prepare();
      const figures = await measureLoad(client, scenario.processes, scenario.job(load));
      if (repetition >= 0) series.add(figures);
    }
  }
  return cases.map(({ scenario, load, series }) => ({
    scenario: scenario.name,
    service: scenario.service,
    connections: CONNECTIONS[load],
    figures: series.summarise(),
  }));
}
