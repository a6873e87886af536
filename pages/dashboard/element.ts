type Listener = (event: Event) => void;
export type Attributes = Readonly<Record<string, string | number | boolean | undefined | Listener>>;
export type Child = Node | string | undefined;

/** Makes an element. Functions among the attributes become listeners, booleans become attributes without a value. */
export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  setAttributes(made, attributes);
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

/** The same for SVG. */
export function makeSvg<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: Child[]
): SVGElementTagNameMap[Tag] {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
  setAttributes(made, attributes);
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

function setAttributes(target: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') target.addEventListener(name, value);
    else if (typeof value === 'boolean') target.toggleAttribute(name, value);
    else if (value !== undefined) target.setAttribute(name, String(value));
  }
}

/** Finds an element that the page is written with. */
export function find<Kind extends Element>(selector: string, kind: new () => Kind): Kind {
  const found = document.querySelector(selector);
  if (!(found instanceof kind)) throw new Error(`the page has no ${selector}`);
  return found;
}

let made = 0;

/** An id that no other element has. */
export function newId(prefix: string): string {
  made += 1;
  return `${prefix}-${made}`;
}

export function button(label: string, onClick: () => void, attributes: Attributes = {}): HTMLButtonElement {
  return make('button', { type: 'button', click: onClick, ...attributes }, label);
}

/** A box with a heading; the heading names the region. */
export function card(title: string, ...children: Child[]): HTMLElement {
  const id = newId('card');
  return make('section', { class: 'card', 'aria-labelledby': id }, make('h2', { id }, title), ...children);
}

/** A term and its value for each fact. */
export function factList(facts: readonly (readonly [string, string])[]): HTMLElement {
  const pairs = facts.map(([name, value]) => make('div', {}, make('dt', {}, name), make('dd', {}, value)));
  return make('dl', { class: 'facts' }, ...pairs);
}
