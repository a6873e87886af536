import type { OriginMetrics } from '../observability/metrics.ts';
import type { Completed, ExtractionPool, JobCost } from '../scheduler/pool.ts';
import type { Task } from './messages.ts';
import { SharedWork } from './shared-work.ts';

export interface SharedJob<Result> {
  task: Task;
  cost: JobCost;
  /** Aborts when this caller leaves. */
  signal: AbortSignal;
  /** Whose fair share the job counts for. */
  client: string;
  /** When this caller leaves at the latest, as `performance.now()` has it. */
  deadline: number;
  /** Gives the memory of this caller's upload back. */
  release: () => void;
  /** Makes what all callers get of what the pool gives; called once for all of them. */
  finish: (completed: Completed) => Result;
}

/** The pool's jobs, each done once for all simultaneous callers of the same job. */
export class SharedJobs<Result> {
  readonly #pool: ExtractionPool;
  readonly #metrics: OriginMetrics;
  readonly #flights = new SharedWork<Result>();

  constructor({ pool, metrics }: { pool: ExtractionPool; metrics: OriginMetrics }) {
    this.#pool = pool;
    this.#metrics = metrics;
  }

  /**
   * @param key names the result completely
   * @throws the pool's error, or the signal's reason
   */
  run(
    key: string,
    { task, cost, signal, client, deadline, release, finish }: SharedJob<Result>,
  ): Promise<Result> {
    const { joined, result } = this.#flights.run(key, signal, (everyoneLeft) =>
      this.#pool.run(task, cost, { signal: everyoneLeft, client, deadline }).then(finish).finally(release),
    );
    if (joined) {
      release();
      this.#metrics.joins.inc();
    }
    return result;
  }
}
