import { button, make } from './element.ts';

/** What a canvas shows, in its own units. */
export interface Scene {
  readonly width: number;
  readonly height: number;
  /** @param pixel length of one pixel of the screen in the scene's units */
  draw(context: CanvasRenderingContext2D, pixel: number): void;
}

export interface Point {
  x: number;
  y: number;
}

const ZOOM_STEP = 1.3;
const GREATEST_SCALE = 40;
/** Of the visible part, for one press of an arrow key. */
const PAN_STEP = 0.1;

/** A canvas that zooms by wheel, pinch, buttons and keys, and pans by dragging and arrow keys. */
export class PanZoomCanvas {
  readonly element: HTMLElement;
  readonly canvas: HTMLCanvasElement;
  /** Called with the point of the scene under the mouse; undefined when it leaves. */
  onHover: (at: Point | undefined, pixel: number) => void = () => undefined;
  readonly #stage: HTMLElement;
  readonly #tooltip = make('div', { class: 'tooltip', hidden: true });
  readonly #pointers = new Map<number, Point>();
  #scene: Scene | undefined;
  #scale = 1;
  #offset: Point = { x: 0, y: 0 };
  #isFitted = true;
  #frame = 0;
  #mouse: Point = { x: 0, y: 0 };

  /** @param label what the canvas shows, for screen readers */
  constructor(label: string, ...tools: Node[]) {
    this.canvas = make('canvas', {
      tabindex: 0,
      role: 'img',
      'aria-label': `${label}. Arrow keys move, plus and minus zoom, 0 fits the image.`,
    });
    this.#stage = make('div', { class: 'stage' }, this.canvas, this.#tooltip);
    const zoom = (factor: number) => () => this.#zoomAt(this.#centre(), factor);
    const toolbar = make(
      'div',
      { class: 'toolbar', role: 'group', 'aria-label': 'View of the image' },
      ...tools,
      make(
        'span',
        { class: 'zoom-buttons' },
        button('−', zoom(1 / ZOOM_STEP), { 'aria-label': 'Zoom out' }),
        button('+', zoom(ZOOM_STEP), { 'aria-label': 'Zoom in' }),
        button('Fit', () => this.fit()),
      ),
    );
    this.element = make('div', { class: 'viewer' }, toolbar, this.#stage);
    new ResizeObserver(() => this.#resize()).observe(this.#stage);
    this.#listen();
  }

  /** Shows another scene; the view is kept where both have the same size. */
  show(scene: Scene): void {
    const isSameSize = this.#scene?.width === scene.width && this.#scene.height === scene.height;
    this.#scene = scene;
    if (isSameSize && !this.#isFitted) this.redraw();
    else this.fit();
  }

  fit(): void {
    this.#isFitted = true;
    const { clientWidth: width, clientHeight: height } = this.#stage;
    if (!this.#scene || width === 0) return;
    this.#scale = Math.min(width / this.#scene.width, height / this.#scene.height);
    this.#offset = {
      x: (width - this.#scene.width * this.#scale) / 2,
      y: (height - this.#scene.height * this.#scale) / 2,
    };
    this.redraw();
  }

  redraw(): void {
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  /** Shows text beside the mouse; none hides it. */
  showTooltip(...lines: string[]): void {
    this.#tooltip.hidden = lines.length === 0;
    if (lines.length === 0) return;
    this.#tooltip.replaceChildren(...lines.map((line) => make('div', {}, line)));
    const { clientWidth: width, clientHeight: height } = this.#stage;
    const { offsetWidth, offsetHeight } = this.#tooltip;
    const { x, y } = this.#mouse;
    const left = x + 14 + offsetWidth > width ? x - 14 - offsetWidth : x + 14;
    const top = y + 14 + offsetHeight > height ? y - 14 - offsetHeight : y + 14;
    this.#tooltip.style.left = `${Math.max(0, left)}px`;
    this.#tooltip.style.top = `${Math.max(0, top)}px`;
  }

  #draw(): void {
    const context = this.canvas.getContext('2d');
    if (!context) return;
    const density = window.devicePixelRatio;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    if (!this.#scene) return;
    const scale = this.#scale * density;
    context.setTransform(scale, 0, 0, scale, this.#offset.x * density, this.#offset.y * density);
    context.imageSmoothingEnabled = this.#scale < 4;
    this.#scene.draw(context, 1 / this.#scale);
  }

  #resize(): void {
    const density = window.devicePixelRatio;
    this.canvas.width = Math.round(this.#stage.clientWidth * density);
    this.canvas.height = Math.round(this.#stage.clientHeight * density);
    if (this.#isFitted) this.fit();
    else this.redraw();
  }

  #centre(): Point {
    return { x: this.#stage.clientWidth / 2, y: this.#stage.clientHeight / 2 };
  }

  #zoomAt(at: Point, factor: number): void {
    if (!this.#scene) return;
    const smallest = Math.min(
      1,
      (0.5 * this.#stage.clientWidth) / this.#scene.width,
      (0.5 * this.#stage.clientHeight) / this.#scene.height,
    );
    const scale = Math.min(GREATEST_SCALE, Math.max(smallest, this.#scale * factor));
    const change = scale / this.#scale;
    this.#offset = {
      x: at.x - (at.x - this.#offset.x) * change,
      y: at.y - (at.y - this.#offset.y) * change,
    };
    this.#scale = scale;
    this.#isFitted = false;
    this.redraw();
  }

  #pan(x: number, y: number): void {
    this.#offset = { x: this.#offset.x + x, y: this.#offset.y + y };
    this.#isFitted = false;
    this.redraw();
  }

  #listen(): void {
    const { canvas } = this;
    canvas.addEventListener(
      'wheel',
      (event) => {
        event.preventDefault();
        this.#zoomAt({ x: event.offsetX, y: event.offsetY }, 2 ** (-event.deltaY / 300));
      },
      { passive: false },
    );
    canvas.addEventListener('pointerdown', (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.#pointers.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
    });
    canvas.addEventListener('pointermove', (event) => this.#move(event));
    for (const end of ['pointerup', 'pointercancel'] as const) {
      canvas.addEventListener(end, (event) => this.#pointers.delete(event.pointerId));
    }
    canvas.addEventListener('pointerleave', () => {
      this.onHover(undefined, 1 / this.#scale);
    });
    canvas.addEventListener('keydown', (event) => {
      // The browser's own zoom, for one.
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (this.#press(event.key)) event.preventDefault();
    });
  }

  #move(event: PointerEvent): void {
    const now = { x: event.offsetX, y: event.offsetY };
    const before = this.#pointers.get(event.pointerId);
    if (!before) {
      this.#mouse = now;
      const at = {
        x: (now.x - this.#offset.x) * (1 / this.#scale),
        y: (now.y - this.#offset.y) / this.#scale,
      };
      this.onHover(at, 1 / this.#scale);
      return;
    }
    const other = [...this.#pointers].find(([id]) => id !== event.pointerId)?.[1];
    this.#pointers.set(event.pointerId, now);
    if (!other) {
      this.#pan(now.x - before.x, now.y - before.y);
      return;
    }
    const centre = { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 };
    this.#pan((now.x - before.x) / 2, (now.y - before.y) / 2);
    this.#zoomAt(centre, distance(now, other) / Math.max(1, distance(before, other)));
  }

  /** @returns whether the key means something here */
  #press(key: string): boolean {
    const [x, y] = [PAN_STEP * this.#stage.clientWidth, PAN_STEP * this.#stage.clientHeight];
    const actions: Record<string, () => void> = {
      ArrowLeft: () => this.#pan(x, 0),
      ArrowRight: () => this.#pan(-x, 0),
      ArrowUp: () => this.#pan(0, y),
      ArrowDown: () => this.#pan(0, -y),
      '+': () => this.#zoomAt(this.#centre(), ZOOM_STEP),
      '-': () => this.#zoomAt(this.#centre(), 1 / ZOOM_STEP),
      0: () => this.fit(),
    };
    actions[key]?.();
    return key in actions;
  }
}

function distance(one: Point, other: Point): number {
  return Math.hypot(one.x - other.x, one.y - other.y);
}
