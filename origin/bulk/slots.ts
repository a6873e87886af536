/** So many may be in work at the same time; the others wait in the order in which they came. */
export class Slots {
  readonly #count: number;
  #free: number;
  readonly #waiting: { places: number; start: () => void }[] = [];

  constructor(count: number) {
    this.#count = count;
    this.#free = count;
  }

  /** @returns gives the place back; to be called once */
  take(): Promise<() => void> {
    return this.#take(1);
  }

  /** Waits until nothing else is in work, and lets nothing else begin. */
  takeAll(): Promise<() => void> {
    return this.#take(this.#count);
  }

  async #take(places: number): Promise<() => void> {
    await new Promise<void>((start) => {
      this.#waiting.push({ places, start });
      this.#startNext();
    });
    return () => {
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
  }
}
