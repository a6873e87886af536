import fc from 'fast-check';
import { expect, test } from 'vitest';
import { JobQueue } from '../../../origin/scheduler/queue.ts';

const job = (name: string, memoryBytes: number, client = '', estimatedMs = 100, isLarge = false) => ({
  name,
  memoryBytes,
  client,
  estimatedMs,
  isLarge,
});
const room = (freeBytes: number, allowsLarge = true) => ({ freeBytes, allowsLarge });
const drain = (queue: JobQueue<ReturnType<typeof job>>, freeBytes: number) => {
  const names: string[] = [];
  for (let next = queue.next(room(freeBytes)); next; next = queue.next(room(freeBytes)))
    names.push(next.name);
  return names;
};

test('jobs that fit come out in the order they came in', () => {
  const queue = new JobQueue<ReturnType<typeof job>>();
  for (const name of ['a', 'b', 'c']) queue.add(job(name, 10));
  expect(drain(queue, 10)).toEqual(['a', 'b', 'c']);
});

test('a job that fits overtakes one that does not', () => {
  const queue = new JobQueue<ReturnType<typeof job>>();
  queue.add(job('large', 100));
  queue.add(job('small', 10));
  expect(queue.next(room(50))?.name).toBe('small');
  expect(queue.next(room(50))).toBeUndefined();
  expect(queue.next(room(100))?.name).toBe('large');
});

test('a job is not overtaken for ever', () => {
  const queue = new JobQueue<ReturnType<typeof job>>();
  queue.add(job('large', 100));
  for (let index = 0; index < 1000; index += 1) queue.add(job('small', 10));
  const overtaking = drain(queue, 50);
  expect(overtaking.length).toBeLessThan(20);
  expect(queue.next(room(100))?.name).toBe('large');
  expect(queue.next(room(50))?.name).toBe('small');
});

test('a job that is removed no longer holds the others up', () => {
  const queue = new JobQueue<ReturnType<typeof job>>();
  const large = job('large', 100);
  queue.add(large);
  for (let index = 0; index < 100; index += 1) queue.add(job('small', 10));
  drain(queue, 50);
  expect(queue.remove(large)).toBe(true);
  expect(queue.remove(large)).toBe(false);
  expect(queue.next(room(50))?.name).toBe('small');
});

test('under any sequence of calls, every job comes out once, never too large, and none waits for ever', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 200 });
  const threads = fc.integer({ min: 1, max: 8 });
  fc.assert(
    fc.property(sizes, threads, (memory, threadCount) => {
      const queue = new JobQueue<ReturnType<typeof job>>();
      memory.forEach((bytes, index) => {
        queue.add(job(String(index), bytes));
      });
      const running: ReturnType<typeof job>[] = [];
      const done: string[] = [];
      const free = () => 100 - running.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
      while (done.length < memory.length) {
        for (let next = queue.next(room(free())); next; next = queue.next(room(free()))) {
          expect(next.memoryBytes).toBeLessThanOrEqual(free());
          running.push(next);
          if (running.length === threadCount) break;
        }
        const finished = running.shift();
        expect(finished).toBeDefined();
        if (finished) done.push(finished.name);
      }
      expect(new Set(done).size).toBe(memory.length);
      expect(queue.length).toBe(0);
    }),
  );
});

test('a client that just came does not wait behind all jobs of another', () => {
  const queue = new JobQueue<ReturnType<typeof job>>();
  for (let index = 0; index < 50; index += 1) queue.add(job(`many ${index}`, 1, 'many'));
  expect(queue.next(room(1))?.name).toBe('many 0');
  queue.add(job('one', 1, 'one'));
  queue.add(job('two', 1, 'one'));
  expect(drain(queue, 1).slice(0, 4)).toEqual(['one', 'many 1', 'two', 'many 2']);
});

test('what counts is the time that jobs take, not their number', () => {
  const queue = new JobQueue<ReturnType<typeof job>>();
  for (const name of ['slow 0', 'slow 1']) queue.add(job(name, 1, 'slow', 1000));
  for (let index = 0; index < 20; index += 1) queue.add(job(`quick ${index}`, 1, 'quick', 100));
  const order = drain(queue, 1);
  expect(order[0]).toBe('slow 0');
  expect(order.indexOf('slow 1')).toBe(11);
});

test('large jobs wait for a thread that they may have, and hold no others up', () => {
  const queue = new JobQueue<ReturnType<typeof job>>();
  queue.add(job('large', 1, 'a', 9000, true));
  for (let index = 0; index < 100; index += 1) queue.add(job('small', 1, 'b'));
  for (let index = 0; index < 50; index += 1) expect(queue.next(room(1, false))?.name).toBe('small');
  expect(queue.next(room(1))?.name).toBe('large');
});

test('in a full queue the client with the most jobs makes place for one with fewer', () => {
  const queue = new JobQueue<ReturnType<typeof job>>();
  for (let index = 0; index < 5; index += 1) queue.add(job(`many ${index}`, 1, 'many'));
  expect(queue.displaceFor('many')).toBeUndefined();
  expect(queue.displaceFor('one')?.name).toBe('many 4');
  queue.add(job('one', 1, 'one'));
  for (let index = 0; index < 3; index += 1) queue.displaceFor('other');
  // Two clients with a job each: neither has more than the newcomer would have.
  expect(queue.displaceFor('other')).toBeUndefined();
  expect(queue.length).toBe(2);
});

test('ahead of a client are its own jobs and those of others whose turn comes first', () => {
  const queue = new JobQueue<ReturnType<typeof job>>();
  for (let index = 0; index < 3; index += 1) queue.add(job('a', 10, 'busy', 100));
  expect([...queue.ahead('busy')]).toHaveLength(3);
  // Of the busy client only the first job comes before that of a client that just came.
  expect([...queue.ahead('new')]).toHaveLength(1);
});
