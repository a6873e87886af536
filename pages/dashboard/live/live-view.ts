import type { RequestsAnswer } from '../../../shared/contract/requests.ts';
import { card, make } from '../element.ts';
import { service, transport, withApiKey } from '../service.ts';
import { errorState, loadingState } from '../states.ts';
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
  // A service that requires a key is asked once for it, not every few seconds.
  let isAsking = true;

  const form = createFilterForm((chosen) => {
    const query = new URLSearchParams({ ...chosen }).toString();
    const address = query === '' ? '#/live' : `#/live?${query}`;
    if (location.hash === address) void refresh();
    else location.hash = address;
  });
  isLive.addEventListener('change', () => {
    if (isLive.checked) void refresh();
  });

  async function refresh(): Promise<void> {
    clearTimeout(timer);
    if (!document.hidden) await Promise.all([showStatistics(), showRequests()]);
    if (!isOpen) return;
    clearTimeout(timer);
    timer = window.setTimeout(() => {
      if (isLive.checked) void refresh();
    }, REFRESH_MS);
  }

  function call<Result>(request: () => Promise<Result>): Promise<Result> {
    return isAsking ? withApiKey(request) : request();
  }

  async function showStatistics(): Promise<void> {
    try {
      const stats = await call(() => service.stats());
      replaceKeepingScroll(statistics, statisticsCards(stats));
    } catch (error) {
      isAsking = false;
      statistics.replaceChildren(errorState(error, retry));
    }
  }

  async function showRequests(): Promise<void> {
    const asked = filter;
    try {
      const query = { ...asked };
      const { requests: latest } = await call(() =>
        transport.sendForJson<RequestsAnswer>({ path: '/api/v1/requests', query }),
      );
      if (asked !== filter) return;
      replaceKeepingScroll(requests, [requestTable(latest, Object.keys(asked).length > 0)]);
    } catch (error) {
      isAsking = false;
      requests.replaceChildren(errorState(error, retry));
    }
  }

  function retry(): void {
    isAsking = true;
    void refresh();
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
      void refresh();
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
