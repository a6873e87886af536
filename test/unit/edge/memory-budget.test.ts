import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { MemoryBudget, type MemoryLease } from '../../../edge/resilience/memory-budget.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

/** What becomes of a wait. */
function outcomeOf(work: Promise<MemoryLease>): { lease?: MemoryLease; error?: unknown } {
  const outcome: { lease?: MemoryLease; error?: unknown } = {};
  work.then(
    (lease) => {
      outcome.lease = lease;
    },
    (error: unknown) => {
      outcome.error = error;
    },
  );
  return outcome;
}

test('a caller that finds it full waits for room, and is refused after a while', async () => {
  const budget = new MemoryBudget(100, 'full');
  const first = await budget.acquire(80);
  const second = outcomeOf(budget.acquire(30));
  await pass(1_000);
  expect(second.lease).toBeUndefined();
  first.release();
  await pass(250);
  expect(second.lease?.bytes).toBe(30);
  const third = outcomeOf(budget.acquire(90));
  await pass(21_000);
  expect(third.error).toMatchObject({ code: 'OVERLOADED', retryAfterSeconds: expect.any(Number) });
});

test('more than all of it is had alone', async () => {
  const budget = new MemoryBudget(100, 'full');
  const alone = await budget.acquire(1_000);
  const other = outcomeOf(budget.acquire(1));
  await pass(100);
  expect(other.lease).toBeUndefined();
  alone.release();
  await pass(250);
  expect(other.lease).toBeDefined();
});

test('small ones overtake a large one that there is no room for, but not for ever', async () => {
  const budget = new MemoryBudget(100, 'full', 60_000);
  const held = await budget.acquire(50);
  const large = outcomeOf(budget.acquire(90));
  let overtaking = 0;
  for (let turn = 0; turn < 100; turn += 1) {
    const small = outcomeOf(budget.acquire(10));
    await pass(250);
    if (small.lease) overtaking += 1;
    small.lease?.release();
  }
  expect(overtaking).toBeGreaterThan(5);
  expect(overtaking).toBeLessThan(100);
  held.release();
  await pass(1_500);
  expect(large.lease).toBeDefined();
});

test('a client that moves nothing keeps its room as long as nobody else needs it', async () => {
  const budget = new MemoryBudget(100, 'full');
  const idle = await budget.acquire(100);
  idle.moved(0);
  await pass(60_000);
  expect(idle.isEnded).toBe(false);
  const other = outcomeOf(budget.acquire(100));
  await pass(1_500);
  expect(idle.isEnded).toBe(true);
  expect(other.lease).toBeDefined();
});

test('a client that moves too little is ended while others wait; one that moves enough, or waits for us, is not', async () => {
  const budget = new MemoryBudget(300, 'full', 60_000);
  const [slow, fast, ours] = [
    await budget.acquire(100),
    await budget.acquire(100),
    await budget.acquire(100),
  ];
  slow.moved(0);
  fast.moved(0);
  ours.moved(0);
  ours.settle();
  const other = outcomeOf(budget.acquire(50));
  for (let second = 0; second < 20; second += 1) {
    slow.moved(1_000);
    fast.moved(64_000);
    await pass(1_000);
  }
  expect([slow.isEnded, fast.isEnded, ours.isEnded]).toEqual([true, false, false]);
  expect(other.lease).toBeDefined();
});

test('holders that all want more do not block each other', async () => {
  const budget = new MemoryBudget(100, 'full', 60_000);
  const leases = await Promise.all(Array.from({ length: 10 }, () => budget.acquire(10)));
  const done: number[] = [];
  for (const [index, lease] of leases.entries()) {
    void lease.resize(60).then(async () => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      done.push(index);
      lease.release();
    });
  }
  await pass(5_000);
  expect(done.toSorted((one, other) => one - other)).toEqual(leases.map((_, index) => index));
  expect(budget.heldBytes).toBe(0);
});
