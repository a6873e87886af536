import fc from 'fast-check';
import { expect, test } from 'vitest';
import { JobQueue } from '../../../origin/scheduler/queue.ts';

const job = (name: string, memoryBytes: number) => ({ name, memoryBytes });
const drain = (queue: JobQueue<ReturnType<typeof job>>, freeBytes: number) => {
  const names: string[] = [];
  for (let next = queue.next(freeBytes); next; next = queue.next(freeBytes)) names.push(next.name);
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
  expect(queue.next(50)?.name).toBe('small');
  expect(queue.next(50)).toBeUndefined();
  expect(queue.next(100)?.name).toBe('large');
});

test('a job is not overtaken for ever', () => {
  const queue = new JobQueue<ReturnType<typeof job>>();
  queue.add(job('large', 100));
  for (let index = 0; index < 1000; index += 1) queue.add(job('small', 10));
  const overtaking = drain(queue, 50);
  expect(overtaking.length).toBeLessThan(20);
  expect(queue.next(100)?.name).toBe('large');
  expect(queue.next(50)?.name).toBe('small');
});

test('a job that is removed no longer holds the others up', () => {
  const queue = new JobQueue<ReturnType<typeof job>>();
  const large = job('large', 100);
  queue.add(large);
  for (let index = 0; index < 100; index += 1) queue.add(job('small', 10));
  drain(queue, 50);
  expect(queue.remove(large)).toBe(true);
  expect(queue.remove(large)).toBe(false);
  expect(queue.next(50)?.name).toBe('small');
});

test('whatever comes and goes, every job comes out once, never too large, and none waits for ever', () => {
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
        for (let next = queue.next(free()); next; next = queue.next(free())) {
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
