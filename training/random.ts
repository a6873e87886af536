import { createHash } from 'node:crypto';

/** Random numbers that depend only on what they are made from. */
export class Random {
  #state: bigint;

  constructor(seed: number, ...names: readonly string[]) {
    const digest = createHash('sha256')
      .update([String(seed), ...names].join('\n'))
      .digest();
    this.#state = digest.readBigUInt64LE(0);
  }

  /** SplitMix64: in [0, 1). */
  next(): number {
    const mask = 0xffffffffffffffffn;
    this.#state = (this.#state + 0x9e3779b97f4a7c15n) & mask;
    let z = this.#state;
    z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & mask;
    z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & mask;
    return Number((z ^ (z >> 31n)) >> 11n) / 2 ** 53;
  }

  between(least: number, most: number): number {
    return least + (most - least) * this.next();
  }

  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }
}
