import { readdirSync, readFileSync } from 'node:fs';

/** Processes by the name that a report gives them. */
export type Processes = Readonly<Record<string, number>>;

/** Nanoseconds on a CPU, user and system, by thread id. */
type ThreadTimes = ReadonlyMap<string, number>;

/**
 * Time of each thread of a process so far, from Linux' scheduler statistics: the clock behind `utime + stime` of
 * `/proc/<pid>/stat`, in nanoseconds where that has hundredths of a second.
 */
function threadTimes(pid: number): ThreadTimes {
  const threads = readdirSync(`/proc/${pid}/task`);
  return new Map(threads.flatMap((thread) => threadTime(pid, thread)));
}

/** Nothing for a thread that has just ended. */
function threadTime(pid: number, thread: string): [string, number][] {
  try {
    const [onCpu] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ');
    return [[thread, Number(onCpu)]];
  } catch {
    return [];
  }
}

/** Starts counting; the returned function gives the milliseconds of CPU that each process has used since. */
export function countCpu(processes: Processes): () => Record<string, number> {
  const before = Object.entries(processes).map(([name, pid]) => ({ name, pid, times: threadTimes(pid) }));
  return () =>
    Object.fromEntries(before.map(({ name, pid, times }) => [name, spent(times, threadTimes(pid)) / 1e6]));
}

function spent(before: ThreadTimes, after: ThreadTimes): number {
  return after.entries().reduce((sum, [thread, time]) => sum + time - (before.get(thread) ?? 0), 0);
}

/** Starts counting; the returned function gives the milliseconds of CPU that the busiest thread of a process has used since. */
export function countBusiestThread(pid: number): () => number {
  const before = threadTimes(pid);
  return () => {
    const used = [...threadTimes(pid)].map(([thread, time]) => time - (before.get(thread) ?? 0));
    return Math.max(0, ...used) / 1e6;
  };
}

/** Milliseconds that all CPUs together have worked since the machine was started, for whomever (proc(5)). */
export function machineBusyMs(): number {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n');
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = line.split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + softirq) * 10;
}
