import { EdgesiftError } from '../../client/errors.ts';
import { button, type Child, make } from './element.ts';
import { askForApiKey } from './key-dialog.ts';

/** What a view shows while it has nothing to show. */
export function emptyState(title: string, text: string, ...actions: Child[]): HTMLElement {
  return make(
    'div',
    { class: 'state' },
    make('p', { class: 'state-title' }, title),
    make('p', { class: 'soft' }, text),
    actions.length > 0 ? make('div', { class: 'actions' }, ...actions) : undefined,
  );
}

export function loadingState(text: string): HTMLElement {
  return make(
    'div',
    { class: 'state', role: 'status' },
    make('span', { class: 'spinner', 'aria-hidden': 'true' }),
    make('p', {}, text),
  );
}

/** What only some API keys may see. Nothing is requested before there is a key. */
export function keyState(title: string, text: string, onKey: () => void): HTMLElement {
  const enter = () => {
    void askForApiKey().then((isEntered) => isEntered && onKey());
  };
  return emptyState(title, text, button('Enter an API key', enter, { class: 'primary' }));
}

/** What went wrong, and what can be done about it. */
export function errorState(error: unknown, retry?: () => void): HTMLElement {
  const { code, message, requestId, isAboutKey } = describe(error);
  const link =
    requestId === undefined
      ? undefined
      : make('p', { class: 'soft small' }, 'Request ', requestLink(requestId));
  const enterKey = () => {
    void askForApiKey().then((isEntered) => isEntered && retry?.());
  };
  const actions = [
    ...(isAboutKey ? [button('Enter an API key', enterKey, { class: 'primary' })] : []),
    ...(retry ? [button('Try again', retry)] : []),
  ];
  return make(
    'div',
    { class: 'state failed', role: 'alert' },
    make('p', { class: 'state-title' }, message),
    make('p', { class: 'soft small' }, code),
    link,
    actions.length > 0 ? make('div', { class: 'actions' }, ...actions) : undefined,
  );
}

function requestLink(requestId: string): HTMLElement {
  return make('a', { href: `#/live?request_id=${encodeURIComponent(requestId)}` }, requestId);
}

function describe(error: unknown): {
  code: string;
  message: string;
  requestId?: string;
  isAboutKey?: boolean;
} {
  if (error instanceof EdgesiftError) {
    const { code, message, requestId, status } = error;
    return {
      code,
      message,
      ...(requestId !== undefined && { requestId }),
      isAboutKey: status === 401 || status === 403,
    };
  }
  return { code: 'PAGE_ERROR', message: error instanceof Error ? error.message : String(error) };
}
