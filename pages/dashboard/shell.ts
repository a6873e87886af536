import { apiKey, apiKeyChanges } from './api-key.ts';
import { createCacheView } from './cache/cache-view.ts';
import { find, make } from './element.ts';
import { showHealth } from './health.ts';
import { createImageView } from './image/image-view.ts';
import { filesIn } from './image-input.ts';
import { createImagesView } from './images/images-view.ts';
import { askForApiKey } from './key-dialog.ts';
import { createLiveView } from './live/live-view.ts';
import { createMatchView } from './match/match-view.ts';
import { emptyState } from './states.ts';
import { createThemeSwitch } from './theme.ts';
import { createVehicleView } from './vehicle/vehicle-view.ts';
import type { View } from './view.ts';

interface Page {
  title: string;
  description: string;
  create: () => View;
}

const PAGES: Readonly<Record<string, Page>> = {
  image: {
    title: 'Image',
    description: 'Keypoints of one image, and how they came about.',
    create: createImageView,
  },
  images: {
    title: 'Images',
    description: 'Features of a folder or of many files. What is cached is not sent.',
    create: () => createImagesView(openImage),
  },
  match: {
    title: 'Match',
    description: 'Which keypoints of two images match, and how one image maps to the other.',
    create: createMatchView,
  },
  vehicle: {
    title: 'Vehicle',
    description: 'What vehicle an image shows, and why the model says so.',
    create: createVehicleView,
  },
  cache: {
    title: 'Cache',
    description: 'What is cached, for administrators.',
    create: createCacheView,
  },
  live: {
    title: 'Live',
    description: 'Requests as they come, and what the service has done.',
    create: createLiveView,
  },
};
const FIRST_PAGE = 'image';

const opened = new Map<string, View>();
let current: View | undefined;

/** Starts the dashboard: its navigation, and the view that the address names. */
export function startShell(): void {
  find('#navigation', HTMLElement).append(...Object.entries(PAGES).map(navigationLink));
  find('#tools', HTMLElement).append(keyButton(), createThemeSwitch());
  showHealth(find('#health', HTMLElement));
  window.addEventListener('hashchange', () => {
    // Places within the page have addresses without a slash.
    if (location.hash !== '' && !location.hash.startsWith('#/')) return;
    const before = current;
    openAddress();
    // A screen reader announces another view, not another filter.
    if (current !== before) find('#title', HTMLElement).focus();
  });
  receiveImages();
  openAddress();
}

function navigationLink([name, { title }]: [string, Page]): HTMLElement {
  return make('a', { href: `#/${name}`, 'data-page': name }, title);
}

/** Opens the view of an address such as `#/live?status=4xx`. */
function openAddress(): void {
  const [, path = '', query = ''] = /^#\/([^?]*)\??(.*)$/.exec(location.hash) ?? [];
  const name = path === '' ? FIRST_PAGE : path;
  const page = Object.hasOwn(PAGES, name) ? PAGES[name] : undefined;
  for (const link of document.querySelectorAll<HTMLElement>('#navigation a')) {
    if (link.dataset.page === name) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  document.title = `${page?.title ?? 'Not found'} · edgesift`;
  find('#title', HTMLElement).textContent = page?.title ?? 'Not found';
  find('#description', HTMLElement).textContent = page?.description ?? '';
  current?.close?.();
  current = page ? viewOf(name, page) : undefined;
  const missing = emptyState('This page does not exist', 'Choose one of the pages above.');
  find('#view', HTMLElement).replaceChildren(current?.element ?? missing);
  current?.open?.(new URLSearchParams(query));
}

/** Shows one image of many by itself. */
function openImage(file: File): void {
  location.hash = '#/image';
  const page = PAGES.image;
  if (page) viewOf('image', page).receive?.([file]);
}

function viewOf(name: string, page: Page): View {
  const view = opened.get(name) ?? page.create();
  opened.set(name, view);
  return view;
}

function keyButton(): HTMLElement {
  const button = make('button', { type: 'button', class: 'quiet', click: () => void askForApiKey() });
  const update = () => {
    button.textContent = apiKey() === undefined ? 'API key' : 'API key set';
  };
  apiKeyChanges.addEventListener('change', update);
  update();
  return button;
}

/** Images that are pasted, or dropped beside a field, go to the view that is open. */
function receiveImages(): void {
  const give = (files: File[]) => {
    if (files.length > 0) current?.receive?.(files);
  };
  document.addEventListener('paste', (event) => give([...(event.clipboardData?.files ?? [])]));
  document.addEventListener('dragover', (event) => event.preventDefault());
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    if (event.dataTransfer) void filesIn(event.dataTransfer).then(give);
  });
}
