import type { CacheEntryResponse, CacheListResponse, DetectResponse } from '../../../client/contract.ts';
import { isNotCached } from '../../../client/hash-first.ts';
import { apiKey } from '../api-key.ts';
import { confirmed } from '../confirm.ts';
import { button, make } from '../element.ts';
import { bytes, count, plural, seconds } from '../format.ts';
import { service, transport, withApiKey } from '../service.ts';
import { emptyState, errorState, keyState, loadingState } from '../states.ts';
import type { View } from '../view.ts';
import { partsOf, queryOf } from './feature-key.ts';

const PAGE_LENGTH = 50;
const EVERYTHING = '*';

type CachedKey = CacheListResponse['keys'][number];

/** What the cache holds, for administrators. */
export function createCacheView(): View {
  const results = make('div', { class: 'results' });
  const pattern = make('input', {
    name: 'pattern',
    spellcheck: 'false',
    autocomplete: 'off',
  });
  const form = make(
    'form',
    { class: 'card form-row' },
    make(
      'label',
      { class: 'grow' },
      'Pattern: * is any text, ? any character; the hash of an image is enough; empty for all keys',
      pattern,
    ),
    make('button', { type: 'submit', class: 'primary' }, 'List'),
    button('Delete all that match', deleteMatching, { class: 'danger' }),
  );
  let keys = new Map<string, CachedKey>();
  let cursor: string | null = null;
  let latest = 0;
  const selected = new Set<string>();

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const address = pattern.value === '' ? '#/cache' : `#/cache?pattern=${encodeURIComponent(pattern.value)}`;
    // A new address opens the view again, which lists.
    if (location.hash === address) list();
    else location.hash = address;
  });

  /** The hash of an image alone means all of its results. */
  function wholePattern(): string {
    const text = pattern.value.trim();
    if (text === '') return EVERYTHING;
    return /^[0-9a-f]{64}$/.test(text) ? `*/${text}` : text;
  }

  function list(): void {
    if (apiKey() === undefined) {
      results.replaceChildren(
        keyState('For administrators', 'An API key of scope admin shows and deletes what is cached.', list),
      );
      return;
    }
    keys = new Map();
    selected.clear();
    cursor = '0';
    results.replaceChildren(loadingState('Reading the cache…'));
    loadMore();
  }

  function loadMore(): void {
    latest += 1;
    const own = latest;
    withApiKey(() => readPage(() => own === latest)).then(
      () => own === latest && show(),
      (error) => own === latest && results.replaceChildren(errorState(error, list)),
    );
  }

  /** Redis gives keys in portions, many of them empty: goes on until there is something to show. */
  async function readPage(isWanted: () => boolean): Promise<void> {
    const before = keys.size;
    while (cursor !== null && keys.size < before + PAGE_LENGTH) {
      const page: CacheListResponse = await transport.sendForJson<CacheListResponse>({
        path: '/api/v1/cache/keys',
        query: { pattern: wholePattern(), cursor, limit: PAGE_LENGTH },
      });
      if (!isWanted()) return;
      for (const key of page.keys) keys.set(key.key, key);
      cursor = page.cursor;
    }
  }

  function show(): void {
    if (keys.size === 0) {
      const text =
        pattern.value === '' ? 'Results appear here once images are extracted.' : 'Try a shorter pattern.';
      results.replaceChildren(emptyState('The cache holds nothing of this kind', text));
      return;
    }
    const remove = button('Delete selected', deleteSelected, { class: 'danger' });
    const all = make('input', { type: 'checkbox', 'aria-label': 'Select all that are listed' });
    const rows = [...keys.values()].map((key) => keyRow(key, () => update()));
    const boxes = rows.map(({ box }) => box);
    const update = () => {
      selected.clear();
      for (const box of boxes) if (box.checked) selected.add(box.value);
      remove.disabled = selected.size === 0;
      remove.textContent =
        selected.size === 0 ? 'Delete selected' : `Delete ${plural(selected.size, 'result')}`;
      all.checked = selected.size === boxes.length;
    };
    all.addEventListener('change', () => {
      for (const box of boxes) box.checked = all.checked;
      update();
    });
    update();
    const titles = ['Image (SHA-256)', 'Parameters', 'Extractor', 'Expires in', ''].map((title) =>
      make(
        'th',
        { scope: 'col' },
        title === '' ? make('span', { class: 'visually-hidden' }, 'Details') : title,
      ),
    );
    const more = cursor === null ? undefined : button('Load more', loadMore);
    results.replaceChildren(
      make(
        'div',
        { class: 'actions' },
        make('p', { role: 'status' }, `${plural(keys.size, 'result')}${cursor === null ? '' : ' so far'}`),
        remove,
        more,
      ),
      make(
        'div',
        { class: 'scroll tall', tabindex: 0, role: 'region', 'aria-label': 'Table of cached results' },
        make(
          'table',
          { class: 'keys' },
          make('caption', { class: 'visually-hidden' }, 'Cached results'),
          make('thead', {}, make('tr', {}, make('td', {}, all), ...titles)),
          make('tbody', {}, ...rows.flatMap(({ elements }) => elements)),
        ),
      ),
    );
  }

  function deleteSelected(): void {
    const chosen = [...selected];
    void ask(`Delete ${plural(chosen.length, 'result')}?`, async () => {
      for (const key of chosen) await deleteKey(key);
    });
  }

  function deleteMatching(): void {
    const text = wholePattern();
    const question =
      text === EVERYTHING ? 'Delete everything in the cache?' : `Delete all results that match ${text}?`;
    void ask(question, () => service.cache.clear(text));
  }

  async function ask(question: string, remove: () => Promise<unknown>): Promise<void> {
    if (!(await confirmed(question, 'They are computed again when they are next requested.'))) return;
    results.replaceChildren(loadingState('Deleting…'));
    withApiKey(remove).then(list, (error) => results.replaceChildren(errorState(error, list)));
  }

  return {
    element: make('div', { class: 'stack' }, form, results),
    open(query) {
      pattern.value = query.get('pattern') ?? '';
      list();
    },
  };
}

/** A key that someone else has deleted meanwhile is gone, too. */
async function deleteKey(key: string): Promise<void> {
  try {
    await service.cache.delete(key);
  } catch (error) {
    if (!isNotCached(error)) throw error;
  }
}

function keyRow(
  { key, ttl_s: ttl }: CachedKey,
  onSelect: () => void,
): { elements: HTMLElement[]; box: HTMLInputElement } {
  const { extractor, parameters, hash } = partsOf(key);
  const box = make('input', { type: 'checkbox', value: key, 'aria-label': `Select ${hash.slice(0, 12)}` });
  box.addEventListener('change', onSelect);
  const cell = make('td', { colspan: 6 });
  const details = make('tr', { class: 'inspected', hidden: true }, cell);
  const toggle = button('Inspect', () => {
    details.hidden = !details.hidden;
    toggle.setAttribute('aria-expanded', String(!details.hidden));
    if (!details.hidden) inspect();
  });
  toggle.setAttribute('aria-expanded', 'false');
  const inspect = () => {
    cell.replaceChildren(loadingState('Reading…'));
    withApiKey(() => readEntry(key)).then(
      (entry) => cell.replaceChildren(...showEntry(entry)),
      (error) => cell.replaceChildren(errorState(error, inspect)),
    );
  };
  const row = make(
    'tr',
    {},
    make('td', {}, box),
    make('th', { scope: 'row', title: hash }, make('code', {}, hash.slice(0, 16), '…')),
    make('td', {}, make('code', {}, parameters)),
    make('td', {}, extractor),
    make('td', {}, ttl === null ? 'never' : seconds(ttl)),
    make('td', { class: 'number' }, toggle),
  );
  return { elements: [row, details], box };
}

interface Entry {
  stored: CacheEntryResponse;
  /** What the features are; undefined where their summary cannot be read. */
  features: DetectResponse | undefined;
}

async function readEntry(key: string): Promise<Entry> {
  const { hash, parameters } = partsOf(key);
  const query = queryOf(parameters);
  const [stored, features] = await Promise.all([
    service.cache.inspect(key),
    query ? service.detect(hash, query).catch(() => undefined) : undefined,
  ]);
  return { stored, features };
}

function showEntry({ stored, features }: Entry): HTMLElement[] {
  const facts: [string, string][] = features
    ? [
        ['Keypoints', count(features.keypoints)],
        [
          'Image',
          `${features.image.format.toUpperCase()}, ${features.image.width} × ${features.image.height}, ${bytes(features.image.bytes)}`,
        ],
      ]
    : [];
  const rows = stored.records.map((record) =>
    make(
      'tr',
      {},
      make('th', { scope: 'row' }, record.name),
      make('td', { class: 'number' }, bytes(record.bytes)),
      make('td', { class: 'number' }, record.ttl_s === null ? 'never' : seconds(record.ttl_s)),
    ),
  );
  const titles = ['Record', 'Size', 'Expires in'].map((title, index) =>
    make('th', { scope: 'col', class: index > 0 ? 'number' : undefined }, title),
  );
  const pairs = [...facts, ['Size in the cache', bytes(stored.bytes)] as const].map(([name, value]) =>
    make('div', {}, make('dt', {}, name), make('dd', {}, value)),
  );
  return [
    make('dl', { class: 'facts' }, ...pairs),
    make(
      'table',
      { class: 'records' },
      make('thead', {}, make('tr', {}, ...titles)),
      make('tbody', {}, ...rows),
    ),
    make('p', { class: 'soft small' }, make('code', {}, stored.key)),
  ];
}
