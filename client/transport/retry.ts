import type { EdgesiftError } from '../errors.ts';

export interface RetryPolicy {
  /** Most attempts after the first. */
  retries: number;
  /** Upper bound of the first delay, in milliseconds; it doubles with each attempt. */
  baseDelayMs: number;
  /** Longest delay, in milliseconds. A longer `Retry-After` ends the attempts: the error then says how long. */
  maxDelayMs: number;
}

export const DEFAULT_RETRY_POLICY: RetryPolicy = { retries: 4, baseDelayMs: 500, maxDelayMs: 30_000 };

/**
 * How long to wait before the next attempt, in milliseconds; undefined where there is to be none.
 *
 * Without `Retry-After`: full jitter, a random time up to `baseDelayMs · 2^attempt` (M. Brooker, "Exponential Backoff
 * And Jitter", AWS Architecture Blog 2015). With it: not before that time, and spread over a tenth more, so that the
 * clients that were refused together do not return together.
 *
 * @param attempt 0 after the first failure
 * @param random in [0, 1)
 */
export function retryDelay(
  error: EdgesiftError,
  attempt: number,
  policy: RetryPolicy,
  random: () => number = Math.random,
): number | undefined {
  if (!error.isTransient || attempt >= policy.retries) return undefined;
  const { retryAfterMs } = error;
  if (retryAfterMs === undefined) {
    return random() * Math.min(policy.maxDelayMs, policy.baseDelayMs * 2 ** attempt);
  }
  if (retryAfterMs > policy.maxDelayMs) return undefined;
  return retryAfterMs + random() * Math.max(100, retryAfterMs / 10);
}

/** @throws the signal's reason as soon as it is aborted */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal?.addEventListener('abort', stop, { once: true });
  });
}
