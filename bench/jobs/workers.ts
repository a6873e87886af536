import type { BulkProcess, BulkStack } from '../../test/fixtures/bulk-stack.ts';

/** A worker that is started again whenever it ends, as Kubernetes does. */
export class KeptWorker {
  readonly #start: () => Promise<BulkProcess>;
  #process: BulkProcess;
  #isWanted = true;
  /** How often it has ended. */
  ends = 0;

  static async start(
    stack: BulkStack,
    environment: Record<string, string>,
    command: readonly string[] = [],
  ): Promise<KeptWorker> {
    const start = () => stack.startWorker(environment, command);
    return new KeptWorker(start, await start());
  }

  private constructor(start: () => Promise<BulkProcess>, first: BulkProcess) {
    this.#start = start;
    this.#process = first;
    void this.#keep();
  }

  get process(): BulkProcess {
    return this.#process;
  }

  /** Leaves the process to the code that ends it. */
  release(): void {
    this.#isWanted = false;
  }

  async #keep(): Promise<void> {
    for (;;) {
      await this.#process.ended;
      if (!this.#isWanted) return;
      this.ends += 1;
      // One that dies while it starts is started again too.
      this.#process = await this.#start().catch(() => this.#process);
    }
  }
}
