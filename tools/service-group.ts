import type { Exit, RunningProcess } from './running-process.ts';

/** Processes that live and die together. */
export class ServiceGroup {
  readonly #processes: RunningProcess[] = [];
  readonly #onCrash: (name: string, exit: Exit) => void;
  #stopped: Promise<unknown> | undefined;

  /** @param onCrash called with the first process that ends without having been stopped */
  constructor(onCrash: (name: string, exit: Exit) => void) {
    this.#onCrash = onCrash;
  }

  add<Process extends RunningProcess>(name: string, process: Process): Process {
    this.#processes.push(process);
    process.exited.then((exit) => {
      if (this.#stopped === undefined) this.#onCrash(name, exit);
    });
    return process;
  }

  /** Stops all of them at once; further calls wait for the first. */
  async stop(): Promise<void> {
    this.#stopped ??= Promise.all(this.#processes.map((process) => process.stop()));
    await this.#stopped;
  }
}
