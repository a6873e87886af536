import type { HealthResponse } from '../../client/contract.ts';
import { EdgesiftError } from '../../client/errors.ts';
import { readJson } from '../../client/transport/transport.ts';
import { transport } from './service.ts';

const REFRESH_MS = 15_000;

/** Keeps showing how the service is. A page in the background does not ask. */
export function showHealth(element: HTMLElement): void {
  const refresh = async () => {
    if (!document.hidden) await showOnce(element);
    setTimeout(refresh, REFRESH_MS);
  };
  void refresh();
}

async function showOnce(element: HTMLElement): Promise<void> {
  try {
    const { status, version, cache_connected } = await transport.send(
      { path: '/health', expected: [503] },
      readJson<HealthResponse>,
    );
    element.dataset.status = status;
    element.textContent = `${status}, version ${version}`;
    element.title = cache_connected ? '' : 'Redis is not available.';
  } catch (error) {
    element.dataset.status = 'unhealthy';
    element.textContent = error instanceof EdgesiftError ? error.message : 'No response';
  }
}
