import type { ServerResponse } from 'node:http';
import { ServiceError } from '../../shared/contract/errors.ts';
import { ORIGIN_HEADERS } from '../../shared/origin-protocol.ts';

/** The caller closed the connection before the response was sent. */
export class CallerGone extends Error {
  override readonly name = 'CallerGone';
}

/**
 * A signal that aborts when no caller waits for this response any more: with {@link CallerGone}, or with
 * `SERVICE_TIMEOUT` when `budgetMs` milliseconds have passed.
 */
export function callerSignal(response: ServerResponse, budgetMs: number): AbortSignal {
  const controller = new AbortController();
  const timer = setTimeout(() => {
    const message = `The result was not ready within ${budgetMs} ms.`;
    controller.abort(new ServiceError('SERVICE_TIMEOUT', message, { details: { budget_ms: budgetMs } }));
  }, budgetMs);
  response.once('close', () => {
    clearTimeout(timer);
    if (!response.writableFinished) controller.abort(new CallerGone('The caller closed the connection.'));
  });
  return controller.signal;
}

/** Milliseconds: what the caller allows, at most what this server allows. */
export function timeBudget(header: string | string[] | undefined, timeoutMs: number): number {
  if (header === undefined) return timeoutMs;
  if (typeof header === 'string' && /^[1-9]\d{0,8}$/.test(header)) return Math.min(Number(header), timeoutMs);
  throw new ServiceError('INVALID_PARAMETER', `${ORIGIN_HEADERS.timeBudget} must be a whole number.`, {
    details: { parameter: ORIGIN_HEADERS.timeBudget },
  });
}
