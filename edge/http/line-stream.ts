/** Lines of text on their way to a client: each goes out whole, as fast as the client reads. */
export class LineStream {
  readonly readable: ReadableStream<Uint8Array>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #clientGone = new AbortController();
  readonly #encoder = new TextEncoder();
  #last: Promise<void> = Promise.resolve();

  constructor() {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    this.readable = readable;
    this.#writer = writable.getWriter();
    this.#writer.closed.catch((reason) => this.#clientGone.abort(reason));
  }

  /** Aborted when nobody reads any more. */
  get signal(): AbortSignal {
    return this.#clientGone.signal;
  }

  /**
   * Writes one line after those before it.
   *
   * @param pieces of its text, made as they go out
   * @throws whatever ended the reading
   */
  write(pieces: Iterable<string>): Promise<void> {
    this.#last = this.#last.then(async () => {
      for (const piece of pieces) await this.#writer.write(this.#encoder.encode(piece));
      await this.#writer.write(this.#encoder.encode('\n'));
    });
    return this.#last;
  }

  /** Ends the answer in a way that a client can tell from its end. */
  breakOff(reason: unknown): Promise<void> {
    return this.#writer.abort(reason).catch(() => undefined);
  }

  close(): Promise<void> {
    return this.#writer.close();
  }
}
