import { fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { fromRoot } from '../../tools/project-root.ts';
import { countCpu, machineBusyMs, type Processes } from '../cpu.ts';
import { type Figures, quantile } from '../statistics.ts';
import type { ClientMessage, LoadJob, LoadResult } from './job.ts';

/** The process that makes the load, so that its work is not done in ours. */
export interface LoadClient {
  readonly pid: number;
  /** @throws Error when a response was not the expected one */
  send(job: LoadJob): Promise<LoadResult>;
  stop(): void;
}

export function startLoadClient(): LoadClient {
  const child = fork(fromRoot('bench', 'load', 'client.ts'), { serialization: 'advanced' });
  if (child.pid === undefined) throw new Error('the client has no process id');
  return {
    pid: child.pid,
    async send(job) {
      child.send(job);
      const [message]: ClientMessage[] = await once(child, 'message');
      if (message === undefined || 'problem' in message) throw new Error(message?.problem);
      return message.result;
    },
    stop: () => void child.kill(),
  };
}

/**
 * Sends a job and reports its cost: latency, throughput, each process' CPU per request, and the share of the
 * machine's CPUs that went to programs other than these meanwhile.
 *
 * @param settleMs for which work after the last response is still counted
 */
export async function measureLoad(
  client: LoadClient,
  processes: Processes,
  job: LoadJob,
  settleMs = 0,
): Promise<Figures> {
  const cpuSince = countCpu({ ...processes, ourselves: process.pid });
  const busySince = machineBusyMs();
  const startedAt = performance.now();
  const result = await client.send(job);
  await sleep(settleMs);
  const capacityMs = (performance.now() - startedAt) * availableParallelism();
  const busyMs = machineBusyMs() - busySince;
  const { ourselves = 0, ...cpu } = cpuSince();
  const serverMs = Object.values(cpu).reduce((sum, ms) => sum + ms, 0);
  const foreignMs = busyMs - serverMs - ourselves - result.clientCpuMs;
  const perRequest = (milliseconds: number) => (milliseconds * 1000) / job.requests.length;
  return {
    p50_ms: quantile(result.latenciesMs, 0.5),
    p99_ms: quantile(result.latenciesMs, 0.99),
    requests_per_s: job.requests.length / (result.elapsedMs / 1000),
    ...Object.fromEntries(Object.entries(cpu).map(([name, ms]) => [`cpu_${name}_us`, perRequest(ms)])),
    cpu_server_us: perRequest(serverMs),
    cpu_client_us: perRequest(result.clientCpuMs),
    foreign_cpu_percent: Math.max(0, foreignMs / capacityMs) * 100,
  };
}
