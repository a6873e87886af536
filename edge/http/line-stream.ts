import type { MemoryLease } from '../resilience/memory-budget.ts';

/** How often a line that waits for its reader looks whether memory was taken from it. */
const WATCH_MS = 500;
/** A reader that has not read for this long is ended, even if no other request needs the memory. */
const LONGEST_PAUSE_MS = 30_000;

/** Lines of text on their way to a client: each goes out whole, as fast as the client reads. */
export class LineStream {
  readonly readable: ReadableStream<Uint8Array>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #clientGone = new AbortController();
  readonly #encoder = new TextEncoder();
  readonly #held = new Set<MemoryLease>();
  #last: Promise<void> = Promise.resolve();

  constructor() {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    this.readable = readable;
    this.#writer = writable.getWriter();
    this.#writer.closed.catch((reason) => this.#clientGone.abort(reason));
  }

  /** Aborted when the reader has gone. */
  get signal(): AbortSignal {
    return this.#clientGone.signal;
  }

  /** Holds this memory while the client reads. The lease receives the number of bytes read and can end the stream. */
  hold(lease: MemoryLease): void {
    this.#held.add(lease);
  }

  letGo(lease: MemoryLease): void {
    this.#held.delete(lease);
  }

  /**
   * Writes one line after those before it.
   *
   * @param pieces of its text, made as they go out
   * @throws the error that ended the reading
   */
  write(pieces: Iterable<string>): Promise<void> {
    this.#last = this.#last.then(async () => {
      for (const piece of pieces) await this.#send(piece);
      await this.#send('\n');
      for (const lease of this.#held) lease.settle();
    });
    return this.#last;
  }

  async #send(piece: string): Promise<void> {
    const bytes = this.#encoder.encode(piece);
    for (const lease of this.#held) lease.moved(bytes.length);
    const startedAt = Date.now();
    const watch = setInterval(() => {
      const isWanted = [...this.#held].some(({ isEnded }) => isEnded);
      if (isWanted || Date.now() - startedAt > LONGEST_PAUSE_MS) {
        void this.breakOff(new Error('the client does not read the response'));
      }
    }, WATCH_MS);
    try {
      await this.#writer.write(bytes);
    } finally {
      clearInterval(watch);
    }
  }

  /** Ends the response so that a client can see that it is incomplete. */
  breakOff(reason: unknown): Promise<void> {
    this.#clientGone.abort(reason);
    return this.#writer.abort(reason).catch(() => undefined);
  }

  close(): Promise<void> {
    return this.#writer.close();
  }
}
