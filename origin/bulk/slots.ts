/** So many may be in work at the same time; the others wait in the order in which they came. */
export class Slots {
  readonly #count: number;
  #free: number;
  readonly #waiting: { places: number; start: () => void }[] = [];
  readonly #onStart: (() => void)[] = [];

  constructor(count: number) {
    this.#count = count;
    this.#free = count;
  }

  /** @returns gives the place back; once it has, it does nothing more */
  take(): Promise<() => void> {
    return this.#take(1);
  }

  /** Waits until nothing else is in work, and lets nothing else begin. */
  takeAll(): Promise<() => void> {
    return this.#take(this.#count);
  }

  /** Resolves when no more than `most` wait for a place. */
  async untilFewWait(most: number): Promise<void> {
    while (this.#waiting.length > most) await new Promise<void>((look) => this.#onStart.push(look));
  }

  async #take(places: number): Promise<() => void> {
    await new Promise<void>((start) => {
      this.#waiting.push({ places, start });
      this.#startNext();
    });
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#free += places;
      this.#startNext();
    };
  }

  #startNext(): void {
    for (let next = this.#waiting[0]; next && next.places <= this.#free; next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#free -= next.places;
      next.start();
    }
    for (const look of this.#onStart.splice(0)) look();
  }
}
