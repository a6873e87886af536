/** Of the package redoc, loaded before this. */
declare const Redoc: { init(url: string, options: Record<string, unknown>, element: Element | null): void };

Redoc.init(
  '/openapi.json',
  // The index for searching runs in a worker from a blob, which the page's policy does not allow.
  {
    disableSearch: true,
    hideDownloadButton: true,
    theme: { typography: { fontFamily: 'system-ui, sans-serif' } },
  },
  document.querySelector('#documentation'),
);
