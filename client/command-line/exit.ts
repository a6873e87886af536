/** What a run of the command line ends with. */
export const EXIT = { ok: 0, someFailed: 1, usage: 2, unreachable: 3, interrupted: 130 } as const;

/** A command line that makes no sense; the message is for the user. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
