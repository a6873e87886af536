const ACCEPTED = /^[A-Za-z0-9._-]{1,128}$/;

/** The id that a request came with, where it is safe to log and to send back; else a new one. */
export function requestIdFrom(header: string | null | undefined): string {
  return header && ACCEPTED.test(header) ? header : crypto.randomUUID();
}
