/** Hashes files in a Web Worker, so that the page stays responsive. */
export class Hasher {
  readonly #worker = new Worker('/assets/dashboard-hash-worker.js');
  readonly #waiting = new Map<number, (hash: string | undefined) => void>();
  #isBroken = false;
  #next = 0;

  constructor() {
    this.#worker.addEventListener(
      'message',
      ({ data }: MessageEvent<{ id: number; hash: string | undefined }>) => {
        this.#waiting.get(data.id)?.(data.hash);
        this.#waiting.delete(data.id);
      },
    );
    // Without the worker images are sent without a question; nothing else is lost.
    this.#worker.addEventListener('error', () => {
      this.#isBroken = true;
      for (const resolve of this.#waiting.values()) resolve(undefined);
      this.#waiting.clear();
    });
  }

  /** @returns SHA-256 in hexadecimal; undefined where it cannot be computed */
  hash(file: File): Promise<string | undefined> {
    if (this.#isBroken) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#next += 1;
      this.#waiting.set(this.#next, resolve);
      this.#worker.postMessage({ id: this.#next, file });
    });
  }
}
