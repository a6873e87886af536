import type { LoadJob } from '../load/job.ts';

/** Connections of a measurement of latency, and of one of throughput. */
export const CONNECTIONS = { one: 1, many: 16 } as const;
export type Load = keyof typeof CONNECTIONS;

/** One kind of request, measured again and again in turn with the others. */
export interface Scenario {
  readonly name: string;
  readonly service: 'edgesift' | 'peer';
  /** Puts the service into the state to be measured, compiled code included. */
  prepare(): Promise<void>;
  /** To be called after `prepare`, once for each load. */
  job(load: Load): LoadJob;
}
