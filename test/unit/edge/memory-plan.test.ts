import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { MEMORY_PLAN, openMemory, SAFE_MEMORY_BYTES } from '../../../edge/memory-plan.ts';
import { MemoryAccount } from '../../../edge/resilience/memory-account.ts';
import { MAX_KEYPOINTS } from '../../../shared/contract/limits.ts';
import { BYTES_PER_KEYPOINT } from '../../../shared/features/payload.ts';

const MEBIBYTE = 1024 * 1024;

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

const isSettled = async (work: Promise<unknown>) => {
  const pending = Symbol('pending');
  return (await Promise.race([work, Promise.resolve(pending)])) !== pending;
};

const partsOf = ({ caches, vehicleReports, budgets }: typeof MEMORY_PLAN) => [
  ...Object.values(caches),
  vehicleReports,
  ...Object.values(budgets),
];

const noSpare = { bytes: 0, drop: () => undefined };

test('all parts together leave room for code and platform in the 128 MB of an isolate', () => {
  const parts = partsOf(MEMORY_PLAN);
  const sum = parts.reduce((total, bytes) => total + bytes, 0);
  expect(sum).toBeLessThanOrEqual(SAFE_MEMORY_BYTES);
  expect(SAFE_MEMORY_BYTES).toBeLessThanOrEqual(128e6 - 16 * MEBIBYTE);
});

test('the documented table is the plan', () => {
  const text = readFileSync(new URL('../../../docs/architecture.md', import.meta.url), 'utf8');
  const section = text.slice(text.indexOf('### Memory of an isolate'));
  const table = section.slice(0, section.indexOf('\n\nA request'));
  const documented = [...table.matchAll(/\| (\d+) \|$/gm)].map(([, mebibytes]) => Number(mebibytes));
  const parts = partsOf(MEMORY_PLAN);
  expect(documented).toEqual([...parts, SAFE_MEMORY_BYTES].map((bytes) => bytes / MEBIBYTE));
});

test('the largest payload is taken in while the image that it is of is held, and the caches are dropped for it', async () => {
  const drop = vi.fn();
  const { payloads, uploads, responses } = openMemory([{ clear: drop }]);
  await uploads.large.acquire(10 * MEBIBYTE);
  await responses.acquire(8 * MEBIBYTE);
  expect(drop).not.toHaveBeenCalled();
  const large = await payloads.acquire(MAX_KEYPOINTS * BYTES_PER_KEYPOINT);
  expect(drop).toHaveBeenCalled();
  const [small, other] = [uploads.small.acquire(1), uploads.large.acquire(2 * MEBIBYTE)];
  await pass(500);
  expect([await isSettled(small), await isSettled(other)]).toEqual([true, false]);
  large.release();
  await pass(500);
  expect(await isSettled(other)).toBe(true);
});

test('a holder that is larger than its part waits until the others leave it room', async () => {
  const account = new MemoryAccount(noSpare);
  const [one, other] = [account.open(50, 'full'), account.open(50, 'full')];
  const held = await one.acquire(40);
  const large = other.acquire(80);
  await pass(500);
  expect(await isSettled(large)).toBe(false);
  held.release();
  await pass(500);
  expect((await large).bytes).toBe(80);
});

test('while it waits for others in other parts, a client that has more than its part must move', async () => {
  const account = new MemoryAccount(noSpare);
  const [one, other] = [account.open(50, 'full'), account.open(50, 'full', { stalledMs: 4_000 })];
  const large = await other.acquire(90);
  large.moved(0);
  await pass(60_000);
  expect(large.isEnded).toBe(false);
  const waiting = one.acquire(40);
  await pass(1_000);
  expect(large.isEnded).toBe(true);
  expect(await isSettled(waiting)).toBe(true);
});
