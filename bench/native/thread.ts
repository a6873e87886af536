/** A thread like the origin's that does nothing but decode and extract what it is sent. */
import { parentPort, workerData } from 'node:worker_threads';
import { decodeImage } from '../../origin/decode/decode.ts';
import { loadNativeAddon } from '../../origin/native/addon.ts';
import { DEFAULT_SIFT_PARAMETERS } from '../../shared/contract/parameters.ts';
import { readImageHeader } from '../../shared/image-header.ts';

const addon = loadNativeAddon(workerData);

parentPort?.on('message', async (bytes: Uint8Array) => {
  const header = readImageHeader(bytes);
  const startedAt = performance.now();
  const image = await decodeImage(addon, bytes, { header, orientation: 'apply', colours: false });
  const decodedAt = performance.now();
  addon.extract(image, DEFAULT_SIFT_PARAMETERS);
  const endedAt = performance.now();
  parentPort?.postMessage({ decodeMs: decodedAt - startedAt, siftMs: endedAt - decodedAt });
});
