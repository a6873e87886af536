/** Ends threads of either engine, so many milliseconds after they began to extract, and reports it: `N threads ended`. */
import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { loadNativeAddon, SIFT_ENGINES } from '../../origin/native/addon.ts';
import { DEFAULT_SIFT_PARAMETERS } from '../../shared/contract/parameters.ts';
import { texture } from './images.ts';

const DELAYS_MS = process.argv.slice(2).map(Number);

if (isMainThread) {
  for (const engine of SIFT_ENGINES) for (const delayMs of DELAYS_MS) await endThread(engine, delayMs);
  process.stdout.write(`${SIFT_ENGINES.length * DELAYS_MS.length} threads ended\n`);
} else {
  extractForEver();
}

async function endThread(engine: string, delayMs: number): Promise<void> {
  const worker = new Worker(new URL(import.meta.url), { workerData: engine });
  await once(worker, 'message');
  await new Promise((resolve) => setTimeout(resolve, delayMs));
  await worker.terminate();
}

function extractForEver(): void {
  const addon = loadNativeAddon(workerData);
  const image = texture(500, 500);
  parentPort?.postMessage('extracting');
  for (;;) addon.extract(image, DEFAULT_SIFT_PARAMETERS);
}
