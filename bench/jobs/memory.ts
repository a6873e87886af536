import { readFileSync } from 'node:fs';

/** Memory of processes that come and go. */
export class MemoryWatch {
  readonly #pids: () => readonly number[];
  readonly #timer: NodeJS.Timeout;
  #peakBytes = 0;

  constructor(pids: () => readonly number[]) {
    this.#pids = pids;
    this.#timer = setInterval(() => this.#look(), 500);
  }

  /** @returns most resident memory that one of them had, in bytes */
  stop(): number {
    clearInterval(this.#timer);
    this.#look();
    return this.#peakBytes;
  }

  #look(): void {
    for (const pid of this.#pids()) this.#peakBytes = Math.max(this.#peakBytes, peakOf(pid));
  }
}

/** 0 for a process that has ended. */
function peakOf(pid: number): number {
  try {
    const [, kilobytes = '0'] =
      /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kilobytes) * 1024;
  } catch {
    return 0;
  }
}
