import { readFileSync } from 'node:fs';
import type { Processes } from './cpu.ts';

/** Bytes that each process had resident at most, from its start on (proc(5)). */
export function peakMemory(processes: Processes): Record<string, number> {
  const peaks = Object.entries(processes).map(([name, pid]): [string, number] => {
    const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return [name, Number(kilobytes) * 1024];
  });
  return Object.fromEntries(peaks);
}
