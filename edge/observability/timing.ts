/** Collects the phases of one request for `Server-Timing` (W3C). */
export class Timing {
  readonly #startedAt = performance.now();
  readonly #phases: string[] = [];

  get elapsedMs(): number {
    return performance.now() - this.#startedAt;
  }

  async measure<Result>(phase: string, work: () => Promise<Result>): Promise<Result> {
    const startedAt = performance.now();
    try {
      return await work();
    } finally {
      this.#phases.push(`${phase};dur=${(performance.now() - startedAt).toFixed(1)}`);
    }
  }

  /** Takes over the phases that another server reported in its own `Server-Timing`. */
  append(serverTiming: string): void {
    if (serverTiming) this.#phases.push(serverTiming);
  }

  toString(): string {
    return this.#phases.join(', ');
  }
}
