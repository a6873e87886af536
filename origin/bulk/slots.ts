/** So many may be in work at the same time; the others wait in the order in which they came. */
export class Slots {
  readonly #count: number;
  #free: number;
  readonly #waiting: { places: number; start: () => void }[] = [];
  #whenFewWait: { most: number; go: () => void }[] = [];

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

  /** Resolves when no more than `most` wait for a place. */
  untilFewWait(most: number): Promise<void> {
    if (this.#waiting.length <= most) return Promise.resolve();
    return new Promise((go) => this.#whenFewWait.push({ most, go }));
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
    const few = this.#whenFewWait.filter(({ most }) => this.#waiting.length <= most);
    if (few.length === 0) return;
    this.#whenFewWait = this.#whenFewWait.filter((watcher) => !few.includes(watcher));
    for (const { go } of few) go();
  }
}
