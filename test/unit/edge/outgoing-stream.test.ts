import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { gzipChunks } from '../../../edge/http/compression.ts';
import { outgoingStream } from '../../../edge/http/outgoing-stream.ts';
import { MemoryBudget } from '../../../edge/resilience/memory-budget.ts';

beforeEach(() => vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'setInterval', 'clearInterval'] }));
afterEach(() => vi.useRealTimers());

/** Counts what is made. */
function source(count: number, bytes = 20_000) {
  const made = { chunks: 0 };
  function* chunks() {
    for (let index = 0; index < count; index += 1) {
      made.chunks += 1;
      yield crypto.getRandomValues(new Uint8Array(bytes));
    }
  }
  return { made, chunks: chunks() };
}

test('gzip makes no more than is read', async () => {
  const { made, chunks } = source(200);
  const reader = outgoingStream(gzipChunks(chunks)).getReader();
  await reader.read();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(made.chunks).toBeLessThan(20);
  await reader.cancel();
});

test.each([0, 1, 50])('gzip of %i chunks is complete', async (count) => {
  const { chunks } = source(count);
  const body = await new Response(outgoingStream(gzipChunks(chunks))).arrayBuffer();
  expect(gunzipSync(Buffer.from(body)).length).toBe(count * 20_000);
});

test('memory is released when all is sent, and when the reader leaves', async () => {
  const budget = new MemoryBudget(100, 'full');
  await new Response(outgoingStream(source(5).chunks, await budget.acquire(50))).arrayBuffer();
  expect(budget.heldBytes).toBe(0);
  const reader = outgoingStream(source(5).chunks, await budget.acquire(50)).getReader();
  await reader.read();
  expect(budget.heldBytes).toBe(50);
  await reader.cancel();
  expect(budget.heldBytes).toBe(0);
});

test('a reader that does not read is ended when others want the memory, and after a while in any case', async () => {
  const budget = new MemoryBudget(100, 'full', { stalledMs: 4_000 });
  const reader = outgoingStream(source(50).chunks, await budget.acquire(100)).getReader();
  await reader.read();
  const other = budget.acquire(100);
  await vi.advanceTimersByTimeAsync(7_000);
  (await other).release();
  await expect(reader.read().then(() => reader.read())).rejects.toThrow('does not read');

  const alone = outgoingStream(source(50).chunks, await budget.acquire(100)).getReader();
  await vi.advanceTimersByTimeAsync(31_000);
  await expect(alone.read().then(() => alone.read())).rejects.toThrow('does not read');
  expect(budget.heldBytes).toBe(0);
});
