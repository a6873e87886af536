/** How many images of a batch ended how. */
export interface BatchTotals {
  images: number;
  computed: number;
  cached: number;
  /** Done by an earlier run. */
  earlier: number;
  failed: number;
  /** Not begun, as when the run is interrupted. */
  left: number;
}

export function totalsText({ images, computed, cached, earlier, failed, left }: BatchTotals): string {
  const parts = [`${computed} computed`, `${cached} cached`, `${failed} failed`];
  if (earlier > 0) parts.push(`${earlier} done earlier`);
  if (left > 0) parts.push(`${left} left`);
  return `${images} image${images === 1 ? '' : 's'}: ${parts.join(', ')}`;
}

/** How many pairs of images ended how. */
export interface PairTotals {
  pairs: number;
  related: number;
  unrelated: number;
  failed: number;
  /** Matched by an earlier run. */
  earlier: number;
  left: number;
}

export function pairTotalsText({ pairs, related, failed, earlier, left }: PairTotals): string {
  const rest = left > 0 ? `, ${left} left` : '';
  return `${pairs} pairs: ${related} related, ${failed} failed, ${earlier} done earlier${rest}`;
}
