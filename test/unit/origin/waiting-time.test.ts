import { expect, test } from 'vitest';
import { waitingMs } from '../../../origin/scheduler/waiting-time.ts';

const large = (ms: number) => ({ ms, isLarge: true });
const small = (ms: number) => ({ ms, isLarge: false });

test('where a thread is free nobody waits', () => {
  expect(waitingMs({ running: [], ahead: [], threads: 1 }, true)).toBe(0);
  expect(waitingMs({ running: [large(9_000)], ahead: [], threads: 2 }, false)).toBe(0);
});

test('a small job waits for small ones, however many large ones there are', () => {
  const ahead = [large(30_000), large(30_000), small(200), small(300)];
  expect(waitingMs({ running: [small(100), large(30_000)], ahead, threads: 2 }, false)).toBe(600);
});

test('a large job waits for the large ones before it', () => {
  const ahead = [large(20_000), small(200)];
  expect(waitingMs({ running: [large(10_000)], ahead, threads: 2 }, true)).toBe(30_000);
  expect(waitingMs({ running: [large(10_000)], ahead, threads: 3 }, true)).toBe(10_000);
});

test('one thread is for all', () => {
  const ahead = [large(20_000), small(200)];
  expect(waitingMs({ running: [large(10_000)], ahead, threads: 1 }, false)).toBe(30_200);
});
