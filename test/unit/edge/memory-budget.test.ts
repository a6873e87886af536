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
  const budget = new MemoryBudget(100, 'full', { longestWaitMs: 60_000 });
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
  const budget = new MemoryBudget(300, 'full', { longestWaitMs: 60_000 });
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
  const budget = new MemoryBudget(100, 'full', { longestWaitMs: 60_000 });
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

test('a request waits for as long as others before it get their turn, within bounds', async () => {
  const budget = new MemoryBudget(100, 'full', { longestWaitMs: 20_000, longestQueueMs: 60_000 });
  let holder = await budget.acquire(100);
  const waits = Array.from({ length: 5 }, () => outcomeOf(budget.acquire(100)));
  for (const wait of waits.slice(0, 3)) {
    await pass(15_000);
    holder.release();
    await pass(250);
    if (!wait.lease) throw new Error('it is not its turn');
    holder = wait.lease;
  }
  const [fourth, fifth] = waits.slice(3);
  expect(fourth?.error).toBeUndefined();
  await pass(15_000);
  expect([fourth?.error, fifth?.error]).toEqual([
    expect.objectContaining({ code: 'OVERLOADED' }),
    expect.objectContaining({ code: 'OVERLOADED' }),
  ]);
});

test('where waiting is hopeless, judged by how long others hold their room, a request is refused at once', async () => {
  const budget = new MemoryBudget(100, 'full', { longestWaitMs: 5_000, refusesHopeless: true });
  const first = await budget.acquire(100);
  await pass(2_000);
  first.release();
  const second = await budget.acquire(100);
  const waits = Array.from({ length: 10 }, () => outcomeOf(budget.acquire(100)));
  await pass(0);
  expect(waits.map(({ error }) => error !== undefined)).toEqual([false, false, ...Array(8).fill(true)]);
  expect(waits.at(-1)?.error).toMatchObject({ code: 'OVERLOADED', retryAfterSeconds: 6 });
  second.release();
  await pass(250);
  expect(waits[0]?.lease).toBeDefined();
});

test('requests that wait already are refused as soon as others show that their wait is hopeless', async () => {
  const budget = new MemoryBudget(100, 'full', { longestWaitMs: 5_000, refusesHopeless: true });
  const first = await budget.acquire(100);
  const waits = Array.from({ length: 5 }, () => outcomeOf(budget.acquire(100)));
  await pass(2_000);
  expect(waits.map(({ error }) => error)).toEqual(Array(5).fill(undefined));
  first.release();
  await pass(250);
  // The first has its turn; the second is due after 2 s, the third after 4 s, of which it has 3 left.
  expect(waits.map(({ lease, error }) => [lease !== undefined, error !== undefined])).toEqual([
    [true, false],
    [false, false],
    [false, true],
    [false, true],
    [false, true],
  ]);
});

test('the time that a lease waits for room is counted separately from the time that its client takes', async () => {
  const budget = new MemoryBudget(100, 'full');
  const first = await budget.acquire(90);
  const second = await budget.acquire(10);
  second.moved(0);
  // One holder at a time may exceed the capacity; the next waits for it.
  await first.resize(150);
  const growing = second.resize(60);
  await pass(3_000);
  expect(second.waitedMs).toBeGreaterThanOrEqual(3_000);
  first.release();
  await pass(250);
  await growing;
  const { waitedMs } = second;
  await pass(5_000);
  expect(second.waitedMs).toBe(waitedMs);
});

test('a holder that no client draws out is not ended for others after it has waited for more room', async () => {
  const budget = new MemoryBudget(100, 'full', { longestWaitMs: 60_000 });
  const first = await budget.acquire(60);
  const growing = await budget.acquire(40);
  await first.resize(70);
  const grown = growing.resize(60);
  await pass(1_000);
  first.release();
  await pass(250);
  await grown;
  const other = outcomeOf(budget.acquire(90));
  await pass(30_000);
  expect([growing.isEnded, other.lease]).toEqual([false, undefined]);
});

test('what is large must move fast enough to be gone in bounded time, while others wait in vain', async () => {
  const budget = new MemoryBudget(90_000_000, 'full', { longestWaitMs: 60_000 });
  const lease = await budget.acquire(90_000_000);
  lease.moved(0);
  void outcomeOf(budget.acquire(1));
  for (let second = 0; second < 20; second += 1) {
    lease.moved(500_000);
    await pass(1_000);
  }
  expect(lease.isEnded).toBe(true);
});
