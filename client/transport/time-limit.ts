/** A signal that is aborted when its time is over, or with the caller's own. */
export class TimeLimit {
  readonly #controller = new AbortController();
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #caller: AbortSignal | undefined;
  #isOver = false;

  /** @param caller its reason becomes that of `signal` */
  constructor(milliseconds: number, caller: AbortSignal | undefined) {
    this.#caller = caller;
    this.#timer = setTimeout(() => {
      this.#isOver = true;
      this.#controller.abort();
    }, milliseconds);
    if (caller?.aborted) this.#follow();
    caller?.addEventListener('abort', this.#follow);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether time, not the caller, has ended it. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** To be called when the work is done: from then on nothing is aborted. */
  end(): void {
    clearTimeout(this.#timer);
    this.#caller?.removeEventListener('abort', this.#follow);
  }

  readonly #follow = () => this.#controller.abort(this.#caller?.reason);
}
