import type { MemoryLease } from '../resilience/memory-budget.ts';

/** How often a response that waits for its reader looks whether its memory was taken from it. */
const WATCH_MS = 500;
/** A reader that has not read for this long is ended, even if no other request needs the memory. */
const LONGEST_PAUSE_MS = 30_000;

type Chunks = Iterator<Uint8Array> | AsyncIterator<Uint8Array>;

/**
 * A response body that is made as its reader reads it.
 *
 * @param lease is released when all is sent, the reader leaves, or it stops reading while others wait for the memory
 */
export function outgoingStream(chunks: Chunks, lease?: MemoryLease): ReadableStream<Uint8Array> {
  let watch: ReturnType<typeof setInterval> | undefined;
  let movedAt = Date.now();
  const finish = () => {
    if (watch !== undefined) clearInterval(watch);
    lease?.release();
    // Also a generator that is not at its end lets go of what it holds.
    void chunks.return?.();
  };
  return new ReadableStream<Uint8Array>({
    start(controller) {
      if (!lease) return;
      lease.moved(0);
      watch = setInterval(() => {
        if (!lease.isEnded && Date.now() - movedAt < LONGEST_PAUSE_MS) return;
        finish();
        controller.error(new Error('the client does not read the response'));
      }, WATCH_MS);
    },
    async pull(controller) {
      try {
        const { done, value } = await chunks.next();
        movedAt = Date.now();
        if (done) {
          finish();
          controller.close();
          return;
        }
        lease?.moved(value.length);
        controller.enqueue(value);
      } catch (error) {
        finish();
        throw error;
      }
    },
    cancel: finish,
  });
}

const CHUNK_BYTES = 256 * 1024;

/** Views of the bytes, of bounded size. */
export function* chunksOf(bytes: Uint8Array<ArrayBuffer>): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) yield bytes.subarray(at, at + CHUNK_BYTES);
}
