import type { Summary } from '../statistics.ts';

/** A column: its heading and what it shows of a row. */
export type Column<Row> = readonly [heading: string, cell: (row: Row) => string];

/** As Markdown, padded so that it is readable as plain text; all columns but the first are aligned right. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const cells = [
    columns.map(([heading]) => heading),
    ...rows.map((row) => columns.map(([, cell]) => cell(row))),
  ];
  const widths = columns.map((_, column) => Math.max(3, ...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => pad(cell, widths[column] ?? 0, column > 0)).join(' | ')} |`;
  const rule = widths.map((width, column) => (column > 0 ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width)));
  const [head = [], ...body] = cells;
  return [line(head), line(rule), ...body.map(line)].join('\n');
}

function pad(text: string, width: number, toTheRight: boolean): string {
  return toTheRight ? text.padStart(width) : text.padEnd(width);
}

/** The median with three digits, or a dash where nothing was measured. */
export function shown(summary: Summary | undefined): string {
  return summary === undefined ? '-' : number(summary.median);
}

/** The median, and in brackets the smallest and the largest. */
export function shownWithRange(summary: Summary | undefined): string {
  if (summary === undefined) return '-';
  return `${number(summary.median)} (${number(summary.min)}..${number(summary.max)})`;
}

/** Three significant digits, none of them cut off before the point. */
export function number(value: number): string {
  const decimals = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toFixed(decimals);
}
