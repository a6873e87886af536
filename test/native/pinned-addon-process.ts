import { denoised } from '../../origin/jobs/extract.ts';
import { loadNativeAddon } from '../../origin/native/addon.ts';
import { decodeFile } from './images.ts';
import type { PinnedRequest, PinnedResponse } from './pinned-addon.ts';

const addon = loadNativeAddon('opencv');

process.on('message', async ({ path, parameters }: PinnedRequest) => {
  const image = await decodeFile(path);
  const response: PinnedResponse = {
    payload: new Uint8Array(addon.extract(denoised(addon, image, parameters), parameters)),
    grey: addon.toGrey(image),
  };
  process.send?.(response);
});

process.send?.(addon.engine);
