import type { ServerResponse } from 'node:http';
import { ServiceError } from '../shared/contract/errors.ts';

/** The connection closed before the answer was sent. Nobody is left to be told. */
export class CallerGone extends Error {
  override readonly name = 'CallerGone';
}

/**
 * A signal that aborts when nobody waits for this response any more: with {@link CallerGone}, or with
 * `SERVICE_TIMEOUT` when `budgetMs` milliseconds have passed.
 */
export function callerSignal(response: ServerResponse, budgetMs: number): AbortSignal {
  const controller = new AbortController();
  const timer = setTimeout(() => {
    const message = `The features were not ready within ${budgetMs} ms.`;
    controller.abort(new ServiceError('SERVICE_TIMEOUT', message, { details: { budget_ms: budgetMs } }));
  }, budgetMs);
  response.once('close', () => {
    clearTimeout(timer);
    if (!response.writableFinished) controller.abort(new CallerGone('The caller closed the connection.'));
  });
  return controller.signal;
}
