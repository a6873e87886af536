import type { SpanTransport } from '../../shared/tracing/span-exporter.ts';

const TIMEOUT_MS = 5_000;

/** By the platform's own `fetch` and timers. */
export const spanTransport: SpanTransport = {
  async post(url, headers, body) {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(url, { method: 'POST', headers, body, signal });
    await response.body?.cancel();
    return response.status;
  },
  delay: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};
