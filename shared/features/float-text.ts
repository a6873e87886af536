/** A decimal that reads back as the same 32-bit float: nine significant digits always do (IEEE 754, 5.12.2). */
export function floatText(value: number): string {
  return String(Number(Math.fround(value).toPrecision(9)));
}
