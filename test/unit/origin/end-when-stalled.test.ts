import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { endWhenStalled } from '../../../origin/end-when-stalled.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('the process goes on while a thread works, and ends once, within a second, when all hang', () => {
  const pool = { isStalled: false };
  const end = vi.fn();
  endWhenStalled(pool, pino({ level: 'silent' }), end);
  vi.advanceTimersByTime(600_000);
  expect(end).not.toHaveBeenCalled();
  pool.isStalled = true;
  vi.advanceTimersByTime(1_000);
  expect(end).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(10_000);
  expect(end).toHaveBeenCalledTimes(1);
});
