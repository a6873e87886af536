import type { RequestsResponse } from '../../../shared/contract/requests.ts';
import { apiKey } from '../api-key.ts';
import { card, make } from '../element.ts';
import { service, transport } from '../service.ts';
import { errorState, keyState, loadingState } from '../states.ts';
import type { View } from '../view.ts';
import { createFilterForm, type RequestFilter, requestTable } from './request-list.ts';
import { statisticsCards } from './statistics.ts';

/** Edges write their counts every few seconds. */
const REFRESH_MS = 5_000;

/** What the service does now, and has done. */
export function createLiveView(): View {
  const statistics = make('div', { class: 'results' }, loadingState('Reading the statistics…'));
  const requests = make('div', {}, loadingState('Reading the latest requests…'));
  const isLive = make('input', { type: 'checkbox', checked: true });
  let filter: RequestFilter = {};
  let timer = 0;
  let isOpen = false;

  const form = createFilterForm((chosen) => {
    const query = new URLSearchParams({ ...chosen }).toString();
    const address = query === '' ? '#/live' : `#/live?${query}`;
    if (location.hash === address) refresh();
    else location.hash = address;
  });
  isLive.addEventListener('change', () => {
    if (isLive.checked) refresh();
  });

  function refresh(): void {
    void refreshOnce().finally(() => {
      clearTimeout(timer);
      if (isOpen) timer = window.setTimeout(() => isLive.checked && refresh(), REFRESH_MS);
    });
  }

  async function refreshOnce(): Promise<void> {
    if (!document.hidden) await Promise.all([showStatistics(), showRequests()]);
  }

  async function showStatistics(): Promise<void> {
    try {
      const stats = await service.stats();
      replaceKeepingScroll(statistics, statisticsCards(stats));
    } catch (error) {
      statistics.replaceChildren(errorState(error, refresh));
    }
  }

  async function showRequests(): Promise<void> {
    if (apiKey() === undefined) {
      const text = 'An API key of scope admin shows each request with its status, duration and error.';
      requests.replaceChildren(keyState('For administrators', text, refresh));
      return;
    }
    const asked = filter;
    try {
      const query = { ...asked };
      const { requests: latest } = await transport.sendForJson<RequestsResponse>({
        path: '/api/v1/requests',
        query,
      });
      if (asked !== filter) return;
      replaceKeepingScroll(requests, [requestTable(latest, Object.keys(asked).length > 0)]);
    } catch (error) {
      requests.replaceChildren(errorState(error, refresh));
    }
  }

  return {
    element: make(
      'div',
      { class: 'stack' },
      make('label', { class: 'switch' }, isLive, 'Update every few seconds'),
      statistics,
      card('Latest requests', form.element, requests),
    ),
    open(query) {
      isOpen = true;
      filter = Object.fromEntries(
        ['status', 'path', 'request_id'].flatMap((name) => {
          const value = query.get(name);
          return value ? [[name, value]] : [];
        }),
      );
      form.write(filter);
      refresh();
    },
    close() {
      isOpen = false;
      clearTimeout(timer);
    },
  };
}

/** Someone may be reading further down in a table that is renewed. */
function replaceKeepingScroll(place: HTMLElement, content: HTMLElement[]): void {
  const positions = [...place.querySelectorAll('.scroll')].map(({ scrollTop, scrollLeft }) => ({
    scrollTop,
    scrollLeft,
  }));
  const focused = place.contains(document.activeElement)
    ? document.activeElement?.getAttribute('aria-label')
    : null;
  place.replaceChildren(...content);
  for (const [index, element] of place.querySelectorAll('.scroll').entries()) {
    Object.assign(element, positions[index]);
    if (focused && element.getAttribute('aria-label') === focused && element instanceof HTMLElement) {
      element.focus({ preventScroll: true });
    }
  }
}
