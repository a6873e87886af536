import { parentPort } from 'node:worker_threads';
import { loadNativeAddon } from '../../origin/native/addon.ts';
import { DEFAULT_SIFT_PARAMETERS } from '../../shared/contract/parameters.ts';
import { texture } from './images.ts';

const addon = loadNativeAddon();

parentPort?.on('message', ({ width, height }: { width: number; height: number }) => {
  parentPort?.postMessage(new Uint8Array(addon.extract(texture(width, height), DEFAULT_SIFT_PARAMETERS)));
});
