import type { ThreadData } from '../jobs/messages.ts';
import { ExtractionThread } from './thread.ts';

const FIRST_RESTART_MS = 100;
const MAX_RESTART_MS = 30_000;

export interface ThreadGroupEvents {
  /** A thread has warmed up and waits for work. */
  idle(): void;
  /** A thread ended by itself and will be replaced. */
  ended(cause: Error): void;
}

/** Keeps `size` worker threads alive: one that ends is replaced, ever later while replacements fail to warm up. */
export class ThreadGroup {
  readonly #script: URL;
  readonly #data: Omit<ThreadData, 'cancelled'>;
  readonly #size: number;
  readonly #events: ThreadGroupEvents;
  readonly #threads = new Set<ExtractionThread>();
  readonly #warm = new Set<ExtractionThread>();
  readonly #idle: ExtractionThread[] = [];
  readonly #restarts = new Set<NodeJS.Timeout>();
  #failures = 0;
  #allWereWarm = false;
  #closed = false;

  constructor(script: URL, data: Omit<ThreadData, 'cancelled'>, size: number, events: ThreadGroupEvents) {
    this.#script = script;
    this.#data = data;
    this.#size = size;
    this.#events = events;
    for (let started = 0; started < size; started += 1) this.#start();
  }

  get size(): number {
    return this.#size;
  }

  /** How many threads have warmed up and live. */
  get warm(): number {
    return this.#warm.size;
  }

  /** True from when every thread has warmed up for as long as one of them lives. */
  get isReady(): boolean {
    return this.#allWereWarm && this.#warm.size > 0;
  }

  /** A thread to run a task on, and then to be given back: the last used one, whose memory is still mapped. */
  take(): ExtractionThread | undefined {
    return this.#idle.pop();
  }

  giveBack(thread: ExtractionThread): void {
    if (this.#warm.has(thread)) this.#idle.push(thread);
  }

  /** Ends all threads; waits for native code that still runs in them. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#restarts) clearTimeout(timer);
    await Promise.all([...this.#threads].map((thread) => thread.terminate()));
  }

  #start(): void {
    const thread = new ExtractionThread(this.#script, this.#data, (cause) => this.#replace(thread, cause));
    this.#threads.add(thread);
    thread.ready.then(
      () => this.#warmedUp(thread),
      () => undefined,
    );
  }

  #warmedUp(thread: ExtractionThread): void {
    this.#failures = 0;
    this.#warm.add(thread);
    this.#idle.push(thread);
    this.#allWereWarm ||= this.#warm.size === this.#size;
    this.#events.idle();
  }

  #replace(thread: ExtractionThread, cause: Error): void {
    this.#threads.delete(thread);
    this.#warm.delete(thread);
    this.#forgetIdle(thread);
    if (this.#closed) return;
    this.#events.ended(cause);
    const delay = Math.min(FIRST_RESTART_MS * 2 ** this.#failures, MAX_RESTART_MS);
    this.#failures += 1;
    const timer = setTimeout(() => {
      this.#restarts.delete(timer);
      this.#start();
    }, delay);
    this.#restarts.add(timer);
  }

  #forgetIdle(thread: ExtractionThread): void {
    const index = this.#idle.indexOf(thread);
    if (index >= 0) this.#idle.splice(index, 1);
  }
}
