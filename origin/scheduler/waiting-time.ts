/** A job that runs or waits, as far as a thread's time goes. */
export interface ExpectedJob {
  /** Milliseconds that it still takes. */
  ms: number;
  /** Large jobs leave one of several threads to others. */
  isLarge: boolean;
}

/**
 * How long a new job waits for a thread, in milliseconds, when all take as long as expected.
 *
 * @param running at most as many as there are threads
 * @param ahead what waits and comes before it, in order
 */
export function waitingMs(
  { running, ahead, threads }: { running: ExpectedJob[]; ahead: Iterable<ExpectedJob>; threads: number },
  isLarge: boolean,
): number {
  // For each thread, when it is free. The last one is that of small jobs.
  const freeAt = new Array<number>(threads).fill(0);
  const largeFirst = running.toSorted((one, other) => Number(other.isLarge) - Number(one.isLarge));
  for (const [index, { ms }] of largeFirst.slice(0, threads).entries()) freeAt[index] = ms;
  for (const job of ahead) {
    const index = earliest(freeAt, job.isLarge);
    freeAt[index] = (freeAt[index] ?? 0) + job.ms;
  }
  return freeAt[earliest(freeAt, isLarge)] ?? 0;
}

/** The thread that is free first, of those that a job may have. */
function earliest(freeAt: readonly number[], isLarge: boolean): number {
  const allowed = isLarge ? freeAt.slice(0, Math.max(1, freeAt.length - 1)) : freeAt;
  return allowed.indexOf(Math.min(...allowed));
}
