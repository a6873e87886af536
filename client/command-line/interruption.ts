/** The user, or the system, wants the end of a run. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/** Aborted by the first Ctrl-C or SIGTERM, so that a run can end in order; the next one ends the process at once. */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => controller.abort(new Interrupted(`interrupted by ${signal}`)));
  }
  return controller.signal;
}
