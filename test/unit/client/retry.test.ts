import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EdgesiftError, readRetryAfter } from '../../../client/errors.ts';
import { DEFAULT_RETRY_POLICY, retryDelay, sleep } from '../../../client/transport/retry.ts';

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test('a delay without Retry-After is random up to a bound that doubles, and never longer than the longest', () => {
  const error = new EdgesiftError('CONNECTION_FAILED', 'no response');
  fc.assert(
    fc.property(random, fc.nat(3), (chance, attempt) => {
      const delay = retryDelay(error, attempt, DEFAULT_RETRY_POLICY, () => chance);
      expect(delay).toBe(chance * Math.min(30_000, 500 * 2 ** attempt));
    }),
  );
});

test('a delay obeys Retry-After, and is spread after it', () => {
  fc.assert(
    fc.property(random, fc.nat(30), (chance, seconds) => {
      const error = new EdgesiftError('OVERLOADED', 'full', { status: 503, retryAfterMs: seconds * 1000 });
      const delay = retryDelay(error, 0, DEFAULT_RETRY_POLICY, () => chance) ?? Number.NaN;
      expect(delay).toBeGreaterThanOrEqual(seconds * 1000);
      expect(delay).toBeLessThanOrEqual(seconds * 1000 + Math.max(100, seconds * 100));
    }),
  );
});

test('a Retry-After longer than the longest delay ends the attempts', () => {
  const error = new EdgesiftError('RATE_LIMITED', 'too many', { status: 429, retryAfterMs: 31_000 });
  expect(retryDelay(error, 0, DEFAULT_RETRY_POLICY)).toBeUndefined();
});

test.each([
  ['RATE_LIMITED', 429, true],
  ['ORIGIN_UNAVAILABLE', 502, true],
  ['SERVICE_NOT_READY', 503, true],
  ['SERVICE_TIMEOUT', 504, true],
  ['UNEXPECTED_RESPONSE', 502, true],
  ['CONNECTION_FAILED', 0, true],
  ['TIMED_OUT', 0, true],
  ['INTERNAL_SERVER_ERROR', 500, false],
  ['INVALID_IMAGE', 400, false],
  ['UNAUTHORIZED', 401, false],
  ['FEATURES_NOT_CACHED', 404, false],
  ['UNEXPECTED_RESPONSE', 200, false],
] as const)('%s with status %d is repeated: %s', (code, status, isRepeated) => {
  const delay = retryDelay(new EdgesiftError(code, 'text', { status }), 0, DEFAULT_RETRY_POLICY);
  expect(delay !== undefined).toBe(isRepeated);
});

test('there are as many retries as the policy says', () => {
  const error = new EdgesiftError('TIMED_OUT', 'late');
  expect(retryDelay(error, 1, { ...DEFAULT_RETRY_POLICY, retries: 2 })).toBeDefined();
  expect(retryDelay(error, 2, { ...DEFAULT_RETRY_POLICY, retries: 2 })).toBeUndefined();
});

test('Retry-After is read as seconds or as a date', () => {
  const now = Date.parse('2026-11-28T10:00:00Z');
  expect(readRetryAfter('7', now)).toBe(7000);
  expect(readRetryAfter('Sat, 28 Nov 2026 10:00:30 GMT', now)).toBe(30_000);
  expect(readRetryAfter('Sat, 28 Nov 2026 09:00:00 GMT', now)).toBe(0);
  for (const text of ['soon', '1.5', '-1', '']) expect(readRetryAfter(text, now), text).toBeUndefined();
  expect(readRetryAfter(null, now)).toBeUndefined();
});

test('a delay ends with the reason of the signal', async () => {
  const controller = new AbortController();
  const waiting = sleep(60_000, controller.signal);
  controller.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  await expect(sleep(60_000, controller.signal)).rejects.toThrow('enough');
});
