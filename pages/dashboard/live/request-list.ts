import type { RecentRequest } from '../../../shared/contract/requests.ts';
import { button, type Child, make } from '../element.ts';
import { milliseconds, plural } from '../format.ts';
import { emptyState } from '../states.ts';

export interface RequestFilter {
  status?: string;
  path?: string;
  request_id?: string;
}

/** Fields for what is to be shown; the address keeps them. */
export function createFilterForm(onChange: (filter: RequestFilter) => void): {
  element: HTMLElement;
  write(filter: RequestFilter): void;
} {
  const status = make('input', {
    list: 'statuses',
    pattern: '[1-5]([0-9]{2}|xx)',
    title: 'A status such as 404, or a class such as 4xx',
  });
  const statuses = make(
    'datalist',
    { id: 'statuses' },
    ...['2xx', '4xx', '5xx', '401', '404', '429', '503'].map((value) => make('option', { value })),
  );
  const path = make('input', { spellcheck: 'false' });
  const id = make('input', {
    spellcheck: 'false',
    pattern: '[A-Za-z0-9._\\-]{1,128}',
    title: 'An id as responses give it',
  });
  const form = make(
    'form',
    { class: 'form-row' },
    make('label', {}, 'Status, as 404 or 4xx', status),
    make('label', { class: 'grow' }, 'Path contains', path),
    make('label', { class: 'grow' }, 'Request id', id),
    statuses,
    make('button', { type: 'submit' }, 'Filter'),
    button('All', () => onChange({})),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    onChange({
      ...(status.value !== '' && { status: status.value }),
      ...(path.value !== '' && { path: path.value }),
      ...(id.value !== '' && { request_id: id.value }),
    });
  });
  return {
    element: form,
    write(filter) {
      status.value = filter.status ?? '';
      path.value = filter.path ?? '';
      id.value = filter.request_id ?? '';
    },
  };
}

const COLUMNS: readonly [string, string | undefined, (request: RecentRequest) => Child][] = [
  ['Time', undefined, ({ time }) => new Date(time).toLocaleTimeString('en-GB')],
  ['Status', undefined, ({ status }) => make('span', { class: statusClass(status) }, String(status))],
  ['Request', 'path', ({ method, path }) => `${method} ${path}`],
  ['Duration', 'number', ({ duration_ms: ms }) => milliseconds(ms)],
  ['From', undefined, ({ outcome }) => (outcome === 'other' ? '–' : outcome)],
  ['Error', undefined, ({ error_code: code }) => code ?? ''],
  ['Region', undefined, ({ region }) => region],
  ['Request id', undefined, ({ request_id: id }) => make('code', {}, id)],
];

function statusClass(status: number): string {
  if (status >= 500) return 'status bad';
  return status >= 400 ? 'status warn' : 'status good';
}

/** The requests, newest first. */
export function requestTable(requests: readonly RecentRequest[], isFiltered: boolean): HTMLElement {
  if (requests.length === 0) {
    return isFiltered
      ? emptyState('No request matches', 'Requests are kept for a day, at most 1,000 of them.')
      : emptyState('No requests yet', 'They appear here some seconds after their responses.');
  }
  const head = COLUMNS.map(([title, className]) => make('th', { scope: 'col', class: className }, title));
  const rows = requests.map((request) =>
    make(
      'tr',
      {},
      ...COLUMNS.map(([, className, content]) => make('td', { class: className }, content(request))),
    ),
  );
  return make(
    'div',
    { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Table of latest requests' },
    make(
      'table',
      { class: 'requests' },
      make('caption', { class: 'visually-hidden' }, plural(requests.length, 'request')),
      make('thead', {}, make('tr', {}, ...head)),
      make('tbody', {}, ...rows),
    ),
  );
}
