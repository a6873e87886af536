import { denoised } from '../../origin/jobs/extract.ts';
import { loadNativeAddon } from '../../origin/native/addon.ts';
import { decodeFile } from './pictures.ts';
import type { PinnedAnswer, PinnedRequest } from './pinned-addon.ts';

const addon = loadNativeAddon('opencv');

process.on('message', async ({ path, parameters }: PinnedRequest) => {
  const image = await decodeFile(path);
  const answer: PinnedAnswer = {
    payload: new Uint8Array(addon.extract(denoised(addon, image, parameters), parameters)),
    grey: addon.toGrey(image),
  };
  process.send?.(answer);
});

process.send?.(addon.engine);
