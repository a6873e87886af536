/** Several measurements of one figure. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** The measurements, in their order. */
  readonly values: readonly number[];
}

/** The figures of one measurement by name, the unit at the name's end. */
export type Figures = Readonly<Record<string, number>>;

/**
 * The value below which a share of the values lies, interpolated linearly between the two nearest.
 *
 * @param share from 0 to 1
 * @throws RangeError for no values
 */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const position = share * (sorted.length - 1);
  const below = sorted[Math.floor(position)];
  const above = sorted[Math.ceil(position)];
  if (below === undefined || above === undefined) throw new RangeError('a quantile of no values');
  return below + (above - below) * (position - Math.floor(position));
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function summarise(values: readonly number[]): Summary {
  return {
    median: median(values),
    min: Math.min(...values),
    max: Math.max(...values),
    values,
  };
}

/** Ratios of the measurements of two things that were measured in turn: what else the machine does falls on both. */
export function ratios(above: Summary, below: Summary): Summary {
  return summarise(above.values.map((value, index) => value / (below.values[index] ?? Number.NaN)));
}

/** Collects the figures of repeated measurements. */
export class Series {
  readonly #values = new Map<string, number[]>();

  add(figures: Figures): void {
    for (const [name, value] of Object.entries(figures)) {
      const values = this.#values.get(name) ?? [];
      this.#values.set(name, [...values, value]);
    }
  }

  summarise(): Record<string, Summary> {
    return Object.fromEntries([...this.#values].map(([name, values]) => [name, summarise(values)]));
  }
}
