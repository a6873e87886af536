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
