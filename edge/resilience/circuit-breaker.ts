/**
 * Stops asking a dependency that keeps failing, and finds out by itself when it is back.
 *
 * Closed until `failureThreshold` failures in a row; then open: one call per cooldown is let through as a probe,
 * and the first success closes it. Nobody ever waits for a probe (the breakers of common libraries do): a Worker
 * may be ended in the middle of one, and requests that wait for it would hang.
 */
export class CircuitBreaker {
  readonly #failureThreshold: number;
  readonly #cooldownMs: number;
  #failures = 0;
  #nextProbeAt = 0;

  constructor(options: { failureThreshold: number; cooldownMs: number }) {
    this.#failureThreshold = options.failureThreshold;
    this.#cooldownMs = options.cooldownMs;
  }

  get isOpen(): boolean {
    return this.#failures >= this.#failureThreshold;
  }

  /** Whether a call may be made now. While open, a yes is the one probe of this cooldown. */
  tryAcquire(): boolean {
    if (!this.isOpen) return true;
    const now = Date.now();
    if (now < this.#nextProbeAt) return false;
    this.#nextProbeAt = now + this.#cooldownMs;
    return true;
  }

  succeed(): void {
    this.#failures = 0;
  }

  fail(): void {
    this.#failures += 1;
    if (this.isOpen) this.#nextProbeAt = Date.now() + this.#cooldownMs;
  }

  /** Seconds until the next probe. */
  get retryAfterSeconds(): number {
    return Math.max(0, this.#nextProbeAt - Date.now()) / 1000;
  }
}
