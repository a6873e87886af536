import { make } from '../element.ts';
import { bytes, count, milliseconds } from '../format.ts';
import type { BatchImage } from './image-batch.ts';

/** As in the style sheet: all rows have one height, so that only those in sight are made. */
const ROW_HEIGHT = 38;
/** Index of the first row of an image in the table: after the head and a spacer. */
const FIRST_ROW = 2;
/** Rows beyond the edges of what is in sight. */
const MARGIN = 12;

interface Column {
  title: string;
  className?: string;
  compare: (one: BatchImage, other: BatchImage) => number;
  text: (image: BatchImage) => string;
}

const STATES: Record<BatchImage['state'], string> = {
  waiting: 'waiting',
  working: 'working',
  done: 'done',
  failed: 'failed',
};
const STATE_ORDER = ['failed', 'working', 'done', 'waiting'];

const COLUMNS: readonly Column[] = [
  { title: 'Image', compare: (a, b) => a.path.localeCompare(b.path), text: ({ path }) => path },
  {
    title: 'State',
    compare: (a, b) => STATE_ORDER.indexOf(a.state) - STATE_ORDER.indexOf(b.state),
    text: stateText,
  },
  {
    title: 'Keypoints',
    className: 'number',
    compare: (a, b) => (a.result?.keypoints ?? -1) - (b.result?.keypoints ?? -1),
    text: ({ result }) => (result ? count(result.keypoints) : ''),
  },
  {
    title: 'Time',
    className: 'number',
    compare: (a, b) => (a.ms ?? -1) - (b.ms ?? -1),
    text: ({ ms }) => (ms === undefined ? '' : milliseconds(ms)),
  },
  {
    title: 'Size',
    className: 'number',
    compare: (a, b) => a.file.size - b.file.size,
    text: ({ file }) => bytes(file.size),
  },
];

function stateText({ state, result, error }: BatchImage): string {
  if (state === 'failed') return `failed: ${error?.message ?? ''}`;
  if (state !== 'done') return STATES[state];
  return result?.cached ? 'cached' : 'computed';
}

/** A table that sorts, and that makes only the rows in sight. */
export class ImageTable {
  readonly element: HTMLElement;
  readonly #body = make('tbody');
  readonly #headers: HTMLElement[];
  readonly #scroller: HTMLElement;
  readonly #table: HTMLTableElement;
  #images: readonly BatchImage[] = [];
  #sorted: readonly BatchImage[] = [];
  /** Of the rows that are there. */
  #drawn: readonly BatchImage[] = [];
  #column: Column | undefined;
  #isDescending = false;
  #frame = 0;

  constructor(onOpen: (image: BatchImage) => void) {
    this.#headers = COLUMNS.map((column) => this.#header(column));
    this.#table = make(
      'table',
      { class: 'rows' },
      make('caption', { class: 'visually-hidden' }, 'Images'),
      make('thead', {}, make('tr', {}, ...this.#headers)),
      this.#body,
    );
    this.#scroller = make(
      'div',
      { class: 'scroll tall', tabindex: 0, role: 'region', 'aria-label': 'Table of images' },
      this.#table,
    );
    this.#scroller.addEventListener('scroll', () => this.redraw());
    new ResizeObserver(() => this.redraw()).observe(this.#scroller);
    this.#body.addEventListener('click', ({ target }) => {
      const row = target instanceof HTMLElement && target.matches('.open') ? target.closest('tr') : null;
      const image = this.#sorted[Number(row?.dataset.row)];
      if (image) onOpen(image);
    });
    this.element = this.#scroller;
  }

  show(images: readonly BatchImage[]): void {
    this.#images = images;
    this.#sort();
  }

  /** Shows changes of the images, at most once for each frame of the screen. */
  redraw(): void {
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  /** Sorts again, for example when all states are final. */
  resort(): void {
    this.#sort();
  }

  #sort(): void {
    const column = this.#column;
    const sign = this.#isDescending ? -1 : 1;
    this.#sorted = column
      ? this.#images.toSorted((one, other) => sign * column.compare(one, other))
      : this.#images;
    for (const [index, header] of this.#headers.entries()) {
      const isSorted = COLUMNS[index] === column;
      const order = this.#isDescending ? 'descending' : 'ascending';
      if (isSorted) header.setAttribute('aria-sort', order);
      else header.removeAttribute('aria-sort');
    }
    this.redraw();
  }

  #header(column: Column): HTMLElement {
    const sort = () => {
      this.#isDescending = this.#column === column ? !this.#isDescending : column.className === 'number';
      this.#column = column;
      this.#sort();
    };
    const button = make('button', { type: 'button', class: 'sort', click: sort }, column.title);
    return make('th', { scope: 'col', class: column.className }, button);
  }

  #draw(): void {
    const total = this.#sorted.length;
    const first = Math.max(0, Math.floor(this.#scroller.scrollTop / ROW_HEIGHT) - MARGIN);
    const inSight = Math.ceil(this.#scroller.clientHeight / ROW_HEIGHT) + 2 * MARGIN;
    const end = Math.min(total, first + inSight);
    const images = this.#sorted.slice(first, end);
    const rows = images.map((image, index) => rowOf(image, first + index));
    this.#table.setAttribute('aria-rowcount', String(total + 1));
    const focused = this.#focusedImage();
    this.#body.replaceChildren(spacer(first), ...rows, spacer(total - end));
    this.#drawn = images;
    if (focused) rows[images.indexOf(focused)]?.querySelector('button')?.focus({ preventScroll: true });
  }

  /** The image whose row has the focus of the keyboard, which would go with the row. */
  #focusedImage(): BatchImage | undefined {
    const row = this.#body.contains(document.activeElement) ? document.activeElement?.closest('tr') : null;
    return row ? this.#drawn[row.rowIndex - FIRST_ROW] : undefined;
  }
}

function spacer(rows: number): HTMLElement {
  const cell = make('td', { colspan: COLUMNS.length });
  cell.style.height = `${rows * ROW_HEIGHT}px`;
  return make('tr', { class: 'spacer', 'aria-hidden': 'true', hidden: rows === 0 }, cell);
}

function rowOf(image: BatchImage, row: number): HTMLElement {
  const cells = COLUMNS.map((column, index) => {
    const text = column.text(image);
    if (index === 0) {
      return make(
        'th',
        { scope: 'row', title: text },
        make('button', { type: 'button', class: 'open' }, text),
      );
    }
    return make('td', { class: column.className, title: text }, text);
  });
  return make('tr', { 'data-row': row, 'data-state': image.state, 'aria-rowindex': row + 2 }, ...cells);
}
