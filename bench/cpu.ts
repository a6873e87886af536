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

/** Milliseconds that a thread was on a core, and that it was ready and waited for one. */
export interface ThreadUse {
  onCoreMs: number;
  waitingMs: number;
}

/** Starts counting; the returned function gives what the thread of a process did that was on a core most since. */
export function countBusiestThread(pid: number): () => ThreadUse {
  const now = () =>
    new Map(readdirSync(`/proc/${pid}/task`).map((thread) => [thread, threadUse(pid, thread)]));
  const before = now();
  return () => {
    const since = Array.from(now(), ([thread, { onCoreMs, waitingMs }]) => ({
      onCoreMs: onCoreMs - (before.get(thread)?.onCoreMs ?? 0),
      waitingMs: waitingMs - (before.get(thread)?.waitingMs ?? 0),
    }));
    return since.reduce((busiest, use) => (use.onCoreMs > busiest.onCoreMs ? use : busiest), NOTHING);
  };
}

const NOTHING: ThreadUse = { onCoreMs: 0, waitingMs: 0 };

function threadUse(pid: number, thread: string): ThreadUse {
  try {
    const [onCore = 0, waiting = 0] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8')
      .split(' ')
      .map(Number);
    return { onCoreMs: onCore / 1e6, waitingMs: waiting / 1e6 };
  } catch {
    return NOTHING;
  }
}

/** Milliseconds that all CPUs together have worked since the machine was started, for whomever (proc(5)). */
export function machineBusyMs(): number {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n');
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = line.split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + softirq) * 10;
}
